/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The build id of an ELF file, and whether it has debuginfo. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/vmlinux.h"
#include "base/cleanup.h"

enum {
	MAX_SECTIONS = 65536,
	MAX_NAMES = 16 << 20,
	MAX_NOTE = 1 << 20,
};

static bool read_at(int fd, void *buf, size_t len, uint64_t at)
{
	return at <= INT64_MAX && pread(fd, buf, len, (off_t)at) == (ssize_t)len;
}

// The note named "GNU" of type NT_GNU_BUILD_ID among @p len bytes of notes.
static void find_note(const uint8_t *notes, size_t len, char build_id[VMLINUX_BUILD_ID_SIZE])
{
	Elf64_Nhdr n;

	for (size_t at = 0; len - at >= sizeof(n);) {
		memcpy(&n, notes + at, sizeof(n));
		size_t name = at + sizeof(n);
		uint64_t desc = name + (((uint64_t)n.n_namesz + 3) & ~UINT64_C(3));
		uint64_t next = desc + (((uint64_t)n.n_descsz + 3) & ~UINT64_C(3));
		if (desc + n.n_descsz > len)
			return;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
		    !memcmp(notes + name, "GNU", 4) && n.n_descsz &&
		    n.n_descsz <= (VMLINUX_BUILD_ID_SIZE - 1) / 2) {
			for (size_t i = 0; i < n.n_descsz; i++)
				snprintf(build_id + 2 * i, 3, "%02x", notes[desc + i]);
			return;
		}
		if (next > len)
			return;
		at = (size_t)next;
	}
}

static void read_note(int fd, const Elf64_Shdr *s, char build_id[VMLINUX_BUILD_ID_SIZE])
{
	_cleanup_free_ uint8_t *notes = NULL;

	if (!s->sh_size || s->sh_size > MAX_NOTE || !(notes = malloc((size_t)s->sh_size)) ||
	    !read_at(fd, notes, (size_t)s->sh_size, s->sh_offset))
		return;
	find_note(notes, (size_t)s->sh_size, build_id);
}

static const char *section_name(const char *names, size_t len, const Elf64_Shdr *s)
{
	if (s->sh_name >= len || !memchr(names + s->sh_name, 0, len - s->sh_name))
		return "";
	return names + s->sh_name;
}

struct ey_error *vmlinux_read_build_id(const char *path, char build_id[VMLINUX_BUILD_ID_SIZE],
				       bool *debuginfo)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_free_ Elf64_Shdr *sections = NULL;
	_cleanup_free_ char *names = NULL;
	struct stat st;
	Elf64_Ehdr e;

	build_id[0] = '\0';
	*debuginfo = false;
	if (fd < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !read_at(fd, &e, sizeof(e), 0) ||
	    memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_shentsize != sizeof(*sections) || !e.e_shnum ||
	    e.e_shstrndx >= e.e_shnum)
		return ey_error_create(EY_ERR_INPUT,
				       "%s is no vmlinux: not an ELF file of 64 bits with sections",
				       path);
	sections = calloc(e.e_shnum, sizeof(*sections));
	if (!sections)
		return &ey_error_nomem;
	if (!read_at(fd, sections, e.e_shnum * sizeof(*sections), e.e_shoff))
		return ey_error_create(EY_ERR_INPUT, "%s is cut off", path);
	const Elf64_Shdr *s = &sections[e.e_shstrndx];
	size_t len = (size_t)s->sh_size;
	if (s->sh_size > MAX_NAMES || !(names = malloc(len + 1)) ||
	    !read_at(fd, names, len, s->sh_offset))
		return ey_error_create(EY_ERR_INPUT, "%s: the names of its sections are damaged",
				       path);
	names[len] = '\0';
	for (size_t i = 0; i < e.e_shnum; i++) {
		const char *name = section_name(names, len, &sections[i]);

		if (sections[i].sh_type == SHT_NOTE && !build_id[0])
			read_note(fd, &sections[i], build_id);
		else if (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info"))
			*debuginfo = true;
	}
	return NULL;
}
