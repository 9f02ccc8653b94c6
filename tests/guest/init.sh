#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the test's guests. The kernel's command line says which of three boots this is:
#   (/proc/vmcore is there)  the crash kernel: save the dump as Debian's kdump-tools does, reboot
#   eyrie.crash=KIND         the first: load the crash kernel, then crash
#   eyrie.run=1              the one after: run /share/run.sh on what the crash left
/bin/busybox mkdir -p /proc /sys /dev /tmp /share /var
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
say() { echo "GUEST: $*" >/dev/console; }
argument() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /share || say "no share"
hostname "$(argument eyrie.host)"

if [ -e /proc/vmcore ]; then
	stamp=$(date +%Y%m%d%H%M)
	dir=/share/crash/$stamp
	mkdir -p "$dir"
	say "saving to $stamp"
	makedumpfile --dump-dmesg /proc/vmcore "$dir/dmesg.$stamp" >/dev/null
	capture=
	[ -x /bin/eyrie-capture ] && capture="eyrie-capture --output /share/capture --"
	{ $capture makedumpfile -F -l -d 31 /proc/vmcore; echo $? >/tmp/status; } >"$dir/dump-incomplete.$stamp"
	[ "$(cat /tmp/status)" = 0 ] && mv "$dir/dump-incomplete.$stamp" "$dir/dump.$stamp"
	sync
	say "saved status=$(cat /tmp/status)"
	reboot -f
fi

if [ -n "$(argument eyrie.run)" ]; then
	mkdir -p /etc /run
	sh /share/run.sh >/share/run.out 2>&1
	echo $? >/share/run.status
	sync
	say "ran status=$(cat /share/run.status)"
	reboot -f
fi

mount -t tmpfs tmpfs /tmp
cp /share/boot/* /tmp
kexec -p -a /tmp/vmlinuz --initrd=/tmp/initrd \
	--append="console=ttyS0 nr_cpus=1 reset_devices irqpoll cgroup_disable=memory eyrie.host=$(hostname)" || say "no kexec"
rm -f /tmp/vmlinuz /tmp/initrd
say "loaded=$(cat /sys/kernel/kexec_crash_loaded)"
umount /share
sleep 1000 & sleep 2000 &
echo 1 >/proc/sys/kernel/panic_on_oops
echo 1 >/proc/sys/kernel/unknown_nmi_panic
sleep 1
echo "guest: the last line before the crash" >/dev/kmsg
say "crashing"
case $(argument eyrie.crash) in
sysrq) echo c >/proc/sysrq-trigger ;;
nmi) sleep 60 ;;
init) exit 3 ;;
esac
sleep 10
say "did not crash"
poweroff -f
