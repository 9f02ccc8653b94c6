/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/notes.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	// struct elf_prstatus on x86-64 (include/linux/elfcore.h): 112 bytes, then the registers.
	PRSTATUS_REGS = 112,
	// struct QEMUCPUState: version and size, 18 registers, 10 segments of 24 bytes, CR0 to CR4.
	QEMU_CR3 = 8 + 18 * 8 + 10 * 24 + 3 * 8,
	XEN_ELFNOTE_CRASH_INFO = 0x1000001,
};

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

bool notes_next(const uint8_t *notes, size_t len, size_t *pos, struct elf_note *ret)
{
	Elf64_Nhdr h;

	if (*pos > len || len - *pos < sizeof(h))
		return false;
	memcpy(&h, notes + *pos, sizeof(h));
	size_t rest = len - *pos - sizeof(h);
	size_t name_room = align4(h.n_namesz);
	if (h.n_namesz > rest || name_room > rest || h.n_descsz > rest - name_room)
		return false;
	ret->name = (const char *)notes + *pos + sizeof(h);
	ret->name_len = strnlen(ret->name, h.n_namesz);
	ret->type = h.n_type;
	ret->desc = notes + *pos + sizeof(h) + name_room;
	ret->desc_len = h.n_descsz;
	*pos += sizeof(h) + name_room + EY_MIN(align4(h.n_descsz), rest - name_room);
	return true;
}

static bool is_named(const struct elf_note *note, const char *name)
{
	return note->name_len == strlen(name) && !memcmp(note->name, name, note->name_len);
}

static bool has_note(const uint8_t *notes, size_t len, const char *name, uint32_t type)
{
	struct elf_note note;

	for (size_t pos = 0; notes && notes_next(notes, len, &pos, &note);) {
		if (is_named(&note, name) && note.type == type)
			return true;
	}
	return false;
}

bool notes_are_of_kcore(const uint8_t *notes, size_t len)
{
	// fs/proc/kcore.c: append_kcore_note(..., NT_TASKSTRUCT, current, arch_task_struct_size).
	return has_note(notes, len, "CORE", NT_TASKSTRUCT);
}

bool notes_are_of_qemu(const uint8_t *notes, size_t len)
{
	return has_note(notes, len, "QEMU", 0);
}

struct ey_error *notes_check(const uint8_t *notes, size_t len)
{
	// fs/binfmt_elf.c: each process's core has its auxiliary vector.
	if (has_note(notes, len, "CORE", NT_AUXV))
		return ey_error_create(EY_ERR_INPUT,
				       "the core dump of a process, not of a kernel: open it with "
				       "gdb or coredumpctl");
	// include/xen/elfnote.h of Xen: the hypervisor died, and dom0 is inside of it.
	if (has_note(notes, len, "Xen", XEN_ELFNOTE_CRASH_INFO))
		return ey_error_create(EY_ERR_INPUT,
				       "a dump of a Xen hypervisor, which cannot be analysed: make "
				       "one of dom0 with 'makedumpfile -X', or open it with crash");
	return NULL;
}

struct ey_error *notes_find_vmcoreinfo(const uint8_t *notes, size_t len, char **ret)
{
	struct elf_note note;

	*ret = NULL;
	for (size_t pos = 0; notes && notes_next(notes, len, &pos, &note);) {
		if (!is_named(&note, "VMCOREINFO"))
			continue;
		char *text = malloc(note.desc_len + 1);
		if (!text)
			return &ey_error_nomem;
		memcpy(text, note.desc, note.desc_len);
		text[note.desc_len] = '\0';
		*ret = text;
		return NULL;
	}
	return NULL;
}

bool notes_cpu_regs(const uint8_t *notes, size_t len, size_t index, struct cpu_regs *ret)
{
	struct elf_note note;

	for (size_t pos = 0; notes && notes_next(notes, len, &pos, &note);) {
		if (!is_named(&note, "CORE") || note.type != NT_PRSTATUS)
			continue;
		if (index--)
			continue;
		if (note.desc_len < PRSTATUS_REGS + sizeof(*ret))
			return false;
		memcpy(ret, note.desc + PRSTATUS_REGS, sizeof(*ret));
		return true;
	}
	return false;
}

bool notes_cpu_control(const uint8_t *notes, size_t len, size_t index, uint64_t *cr3_ret,
		       uint64_t *cr4_ret)
{
	struct elf_note note;

	for (size_t pos = 0; notes && notes_next(notes, len, &pos, &note);) {
		if (!is_named(&note, "QEMU") || index--)
			continue;
		if (note.desc_len < QEMU_CR3 + 2 * sizeof(*cr3_ret))
			return false;
		memcpy(cr3_ret, note.desc + QEMU_CR3, sizeof(*cr3_ret));
		memcpy(cr4_ret, note.desc + QEMU_CR3 + sizeof(*cr3_ret), sizeof(*cr4_ret));
		return true;
	}
	return false;
}
