/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/foreign.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

#define MAGIC(s) s, sizeof(s) - 1

// Where a format's mark stands, and what to say. Sources: crash 9 (sadump.h, lkcd_common.h,
// vmware_vmss.h, xen_dom0.h, qemu.c), the kernel (include/linux/swap.h, kernel/power/swap.c), QEMU
// (migration/migration.c, block/qcow2.c), libvirt (src/qemu/qemu_saveimage.h), makedumpfile.
static const struct {
	size_t at;
	const char *magic;
	size_t len;
	const char *what, *todo;
} formats[] = {
	{0, MAGIC("DISKDUMP"), "a dump of the diskdump of RHEL 3 and 4",
	 "its kernels (2.4, 2.6.9) are older than what can be analysed"},
	{0, MAGIC("sadump\0\0"), "a dump of Fujitsu's stand-alone dump (sadump)",
	 "turn it into a kdump-compressed one with 'makedumpfile -l -d 31 SADUMP VMCORE'"},
	{0, MAGIC("\xed\x23\x8f\x61\x73\x01\x19\xa8"), "a dump of LKCD",
	 "its kernels (2.4, early 2.6) are older than what can be analysed"},
	{0, MAGIC("\xfd\x23\x8f\x61\x73\x01\x19\xa8"), "a stand-alone dump of s390",
	 "only x86_64 dumps can be analysed so far"},
	{0, MAGIC("\xed\xeb\x0f\xf0"), "an old core dump of a Xen guest",
	 "dump the guest again with a newer 'xl dump-core', or let kdump run in it"},
	{0, MAGIC("\xee\xeb\x0f\xf0"), "an old core dump of a Xen HVM guest",
	 "dump the guest again with a newer 'xl dump-core', or let kdump run in it"},
	{0, MAGIC("\xd0\xbe\xd0\xbe"), "a suspended state of a VMware guest (.vmss, .vmsn)",
	 "turn it and its .vmem into an ELF dump with VMware's 'vmss2core -N6'"},
	{0, MAGIC("\xd0\xbe\xd2\xbe"), "a suspended state of a VMware guest (.vmss, .vmsn)",
	 "turn it and its .vmem into an ELF dump with VMware's 'vmss2core -N6'"},
	{0, MAGIC("\xd2\xbe\xd2\xbe"), "a suspended state of a VMware guest (.vmss, .vmsn)",
	 "turn it and its .vmem into an ELF dump with VMware's 'vmss2core -N6'"},
	{0, MAGIC("\xd3\xbe\xd3\xbe"), "a suspended state of a VMware guest (.vmss, .vmsn)",
	 "turn it and its .vmem into an ELF dump with VMware's 'vmss2core -N6'"},
	{0, MAGIC("\xd1\xba\xd1\xba"), "a suspended state of a VMware guest (.vmss, .vmsn)",
	 "turn it and its .vmem into an ELF dump with VMware's 'vmss2core -N6'"},
	{0, MAGIC("QEVM"), "a saved state of a QEMU guest (savevm, migrate)",
	 "restore the guest and use QEMU's 'dump-guest-memory'"},
	{0, MAGIC("LibvirtQemudSave"), "a saved guest of libvirt (virsh save)",
	 "restore it and use 'virsh dump --memory-only'"},
	{0, MAGIC("LibvirtQemudPart"), "a saved guest of libvirt whose saving did not end",
	 "restore it and use 'virsh dump --memory-only'"},
	{0, MAGIC("PAGEDU64"), "a crash dump of Windows", "open it with WinDbg"},
	{0, MAGIC("PAGEDUMP"), "a crash dump of Windows", "open it with WinDbg"},
	{4086, MAGIC("S1SUSPEND"), "a hibernated Linux (a swap space with an image)",
	 "boot from it, or let kdump write a dump"},
	{4086, MAGIC("ULSUSPEND"), "a hibernated Linux (a swap space with an image)",
	 "boot from it, or let kdump write a dump"},
	{4086, MAGIC("LINHIB0001"), "a hibernated Linux (a swap space with an image)",
	 "boot from it, or let kdump write a dump"},
	{4086, MAGIC("SWAPSPACE2"), "a swap space", "name the dump file that was saved from it"},
	{0, MAGIC("QFI\xfb"), "a disk image (qcow2)", "name the dump file in it"},
	{0, MAGIC("\x28\xb5\x2f\xfd"), "a file compressed with zstd",
	 "decompress it first ('unzstd')"},
	{0, MAGIC("\x1f\x8b\x08"), "a file compressed with gzip", "decompress it first ('gunzip')"},
	{0,
	 MAGIC("\xfd"
	       "7zXZ\0"),
	 "a file compressed with xz", "decompress it first ('unxz')"},
	{0, MAGIC("BZh"), "a file compressed with bzip2", "decompress it first ('bunzip2')"},
	{0, MAGIC("\x04\x22\x4d\x18"), "a file compressed with lz4",
	 "decompress it first ('unlz4')"},
	{0, MAGIC("\x89LZO\0\r\n\x1a\n"), "a file compressed with lzop",
	 "decompress it first ('lzop -d')"},
	{0, MAGIC("PK\x03\x04"), "a ZIP archive", "unpack it and name the dump file"},
	{0, MAGIC("7z\xbc\xaf\x27\x1c"), "a 7-Zip archive", "unpack it and name the dump file"},
	{257, MAGIC("ustar"), "a tar archive", "unpack it and name the dump file"},
};

static bool is_zeros(const uint8_t *head, size_t len)
{
	return !head[0] && !memcmp(head, head + 1, len - 1);
}

struct ey_error *foreign_error(const uint8_t *head, size_t len, uint64_t size)
{
	for (size_t i = 0; i < EY_ARRAY_SIZE(formats); i++) {
		if (formats[i].at + formats[i].len <= len &&
		    !memcmp(head + formats[i].at, formats[i].magic, formats[i].len))
			return ey_error_create(EY_ERR_INPUT, "%s, which cannot be analysed: %s",
					       formats[i].what, formats[i].todo);
	}
	if (is_zeros(head, len))
		return ey_error_create(EY_ERR_INPUT,
				       "not a kernel dump: it begins with %zu bytes of zeros (was "
				       "the machine reset before the disk had it?)",
				       len);
	if (size < 16)
		return ey_error_create(EY_ERR_INPUT,
				       "not a kernel dump: only %" PRIu64 " bytes long", size);
	return ey_error_create(
		EY_ERR_INPUT, "not a kernel dump: neither kdump-compressed (makedumpfile) nor ELF, "
			      "nor the text of a kernel log");
}
