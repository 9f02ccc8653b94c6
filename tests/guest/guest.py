# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole machines for tests: an initramfs of Debian's own programs, and QEMU to boot it. No root, no network."""
import glob
import lzma
import os
import re
import shutil
import socket
import stat
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "qemu_fw_cfg")


class Missing(Exception):
    """Something that is not installed; the message says how to get it."""


def program(name, package):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing("%s is not here (apt-get install %s)" % (name, package))
    return path


def find_kernel(root):
    """(release, vmlinuz, module folder) of the newest kernel below @root."""
    found = []
    for path in glob.glob(os.path.join(root, "boot", "vmlinuz-*")):
        release = os.path.basename(path)[len("vmlinuz-") :]
        for modules in ("lib/modules", "usr/lib/modules"):
            folder = os.path.join(root, modules, release)
            if os.path.isdir(os.path.join(folder, "kernel")):
                found.append(([int(n) for n in re.findall(r"\d+", release)], release, path, folder))
    if not found:
        raise Missing(
            "no kernel with its modules below %s (apt-get install linux-image-amd64, or "
            "tests/guest/fetch-kernel DIR and EYRIE_GUEST_KERNEL=DIR)" % root
        )
    return max(found)[1:]


def kernel_modules(folder, wanted=MODULES):
    """Modules with those that they need, in the order to load them: [(file name, contents)]."""
    paths = {}
    for path in glob.glob(os.path.join(folder, "kernel", "**", "*.ko*"), recursive=True):
        paths[re.sub(r"\.ko.*$", "", os.path.basename(path)).replace("-", "_")] = path
    out = {}

    def add(name):
        if name in out or name not in paths:  # else it is built in
            return
        with open(paths[name], "rb") as f:
            data = f.read()
        if paths[name].endswith(".xz"):
            data = lzma.decompress(data)
        elif not paths[name].endswith(".ko"):
            raise Missing("%s: cannot unpack it" % paths[name])
        depends = re.search(rb"\0depends=([\w,-]*)\0", data)
        for other in (depends.group(1).decode() if depends else "").split(","):
            add(other.replace("-", "_"))
        out[name] = data

    for name in wanted:
        add(name)
    return [(name + ".ko", data) for name, data in out.items()]


def libraries(path):
    """The shared libraries of a program."""
    p = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return re.findall(r"(/\S+) \(0x", p.stdout)


class Archive:
    """A cpio archive in the "newc" format, as the kernel unpacks it."""

    def __init__(self):
        self.data, self.inode, self.folders = [], 0, set()

    def _entry(self, name, mode, data):
        self.inode += 1
        head = "070701" + "".join(
            "%08X" % n for n in (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        )
        for part in (head.encode() + name.encode() + b"\0", data):
            self.data.append(part + b"\0" * (-len(part) % 4))

    def add(self, name, data, mode=0o644):
        """A file, and the folders above it."""
        parts = name.split("/")[:-1]
        for i in range(len(parts)):
            folder = "/".join(parts[: i + 1])
            if folder not in self.folders:
                self.folders.add(folder)
                self._entry(folder, stat.S_IFDIR | 0o755, b"")
        self._entry(name, stat.S_IFREG | mode, data)

    def add_program(self, path, name=None):
        """A program and the libraries that it needs."""
        with open(path, "rb") as f:
            self.add((name or path).lstrip("/"), f.read(), 0o755)
        for library in libraries(path):
            if library not in self.folders:
                self.folders.add(library)
                with open(library, "rb") as f:
                    self.add(library.lstrip("/"), f.read(), 0o755)

    def link(self, name, target):
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def finish(self):
        self._entry("TRAILER!!!", 0, b"")
        return b"".join(self.data)


class Guest:
    """A machine with its folder: share/ (seen as /share inside), the kernel and initramfs, the console's logs."""

    def __init__(self, folder, kernel_root, host, uuid, serial, programs=()):
        self.qemu = program("qemu-system-x86_64", "qemu-system-x86")
        self.release, self.vmlinuz, modules = find_kernel(kernel_root)
        self.folder, self.host, self.uuid, self.serial = folder, host, uuid, serial
        self.share = os.path.join(folder, "share")
        boot = os.path.join(self.share, "boot")
        os.makedirs(boot)
        os.mkdir(os.path.join(self.share, "crash"))
        archive = Archive()
        busybox = program("busybox", "busybox-static")
        if libraries(busybox):
            raise Missing("busybox is linked to libraries (apt-get install busybox-static)")
        archive.add_program(busybox, "bin/busybox")
        archive.link("bin/sh", "busybox")
        archive.add_program(program("kexec", "kexec-tools"), "bin/kexec")
        archive.add_program(program("makedumpfile", "makedumpfile"), "bin/makedumpfile")
        for path in programs:
            archive.add_program(path, "bin/" + os.path.basename(path))
        with open(os.path.join(HERE, "init.sh"), "rb") as f:
            archive.add("init", f.read(), 0o755)
        files = kernel_modules(modules)
        for name, data in files:
            archive.add("modules/" + name, data)
        archive.add("modules/order", "".join(name + "\n" for name, _ in files).encode())
        with open(os.path.join(boot, "initrd"), "wb") as f:
            f.write(archive.finish())
        shutil.copy(self.vmlinuz, os.path.join(boot, "vmlinuz"))

    def boot(self, arguments, initrds=(), marks=None, limit=120):
        """Boot once until the machine reboots; what it said on its console. @marks maps a text to a monitor command."""
        log = os.path.join(self.folder, "console-%d.log" % len(glob.glob(os.path.join(self.folder, "console-*"))))
        initrd = os.path.join(self.folder, "initrd")
        with open(initrd, "wb") as out:
            for path in [os.path.join(self.share, "boot", "initrd"), *initrds]:
                with open(path, "rb") as f:
                    out.write(f.read())
        monitor = os.path.join(self.folder, "monitor")
        argv = [self.qemu, "-M", "q35", "-accel", "tcg,thread=single", "-cpu", "max", "-smp", "2", "-m", "400"]
        argv += ["-display", "none", "-vga", "none", "-nic", "none", "-no-reboot", "-serial", "file:" + log]
        argv += ["-kernel", self.vmlinuz, "-initrd", initrd, "-device", "vmcoreinfo"]
        argv += ["-append", "console=ttyS0 crashkernel=128M eyrie.host=%s %s" % (self.host, arguments)]
        argv += ["-virtfs", "local,path=%s,mount_tag=share,security_model=none" % self.share]
        argv += ["-monitor", "unix:%s,server=on,wait=off" % monitor]
        argv += ["-smbios", "type=0,vendor=Example Firmware,version=1.23,date=04/01/2026"]
        argv += [
            "-smbios",
            "type=1,manufacturer=Example,product=Model 9000,serial=%s,uuid=%s" % (self.serial, self.uuid),
        ]
        marks, start = dict(marks or {}), time.monotonic()
        machine = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            while machine.poll() is None and time.monotonic() - start < limit:
                time.sleep(0.2)
                said = self.read(log)
                for text in [t for t in marks if t in said]:
                    self.command(monitor, marks.pop(text))
            ended = machine.poll() is not None
        finally:
            if machine.poll() is None:
                machine.kill()
            errors = machine.communicate()[1].decode(errors="replace")
        said = self.read(log)
        if machine.returncode != 0 and ended:
            raise Missing("qemu: " + errors.strip()[-300:])
        if not ended:
            raise TimeoutError("not done after %d s; last of the console:\n%s" % (limit, said[-2000:]))
        return said

    @staticmethod
    def read(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    @staticmethod
    def command(monitor, text, wait=None):
        """Give QEMU's monitor a command, once it prompts; @wait: at most so many seconds until it is done."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(wait or 10)
            s.connect(monitor)
            seen = b""
            while b"(qemu)" not in seen:
                seen += s.recv(4096)
            s.sendall(text.encode() + b"\n")
            seen = b""
            while wait and b"\n(qemu)" not in seen:
                seen += s.recv(4096)
            time.sleep(0 if wait else 0.5)
