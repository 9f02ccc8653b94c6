#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# /init of the lab's guests. In the crash kernel (/proc/vmcore is there): copy it to the first disk. Else: load the
# crash kernel from the second disk, make some life, and run /crash.sh, which is the kind's line of tests/lab/kinds.
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin:/sbin
say() { echo "GUEST: $*" >/dev/console; }
crash() { insmod /modules/eycrash.ko how="$1"; }
many() {
	echo 4000000 >/proc/sys/kernel/pid_max
	echo 4000000 >/proc/sys/kernel/threads-max
	many_tasks "$1" "$2" >/dev/console
	echo c >/proc/sysrq-trigger
}

while read -r module; do insmod "/modules/$module"; done </modules/order
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; sleep 1; done

if [ -e /proc/vmcore ]; then
	dd if=/proc/vmcore of=/dev/vda bs=1M
	status=$?
	sync
	say "saved $(stat -c %s /proc/vmcore) bytes, status=$status"
	poweroff -f
fi

mount -t tmpfs tmpfs /tmp
tar x -C /tmp -f /dev/vdb
kexec -p -a /tmp/vmlinuz --initrd=/tmp/initrd \
	--append="console=ttyS0 nr_cpus=1 reset_devices irqpoll cgroup_disable=memory" || say "no kexec"
rm -f /tmp/vmlinuz /tmp/initrd
say "loaded=$(cat /sys/kernel/kexec_crash_loaded)"
ifconfig lo 127.0.0.1 up
hostname lab-guest
cp /bin/busybox /tmp/worker
sleep 1000 & sleep 2000 &
sh -c 'while :; do sleep 1; done' &
tail -f /dev/null &
nc -l -p 7777 &
echo 1 >/proc/sys/kernel/panic_on_oops
sleep 1
echo "guest: the last line before the crash" >/dev/kmsg
say "crashing"
. /crash.sh
sleep 30
say "did not crash"
poweroff -f
