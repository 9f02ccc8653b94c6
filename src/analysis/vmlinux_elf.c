/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The build id of an ELF file, whether it has debuginfo, and a section of it. */
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

struct elf_sections {
	int fd;
	Elf64_Shdr *headers;
	size_t count;
	/** Their names, NUL-terminated. */
	char *names;
	size_t names_len;
};

static void sections_close(struct elf_sections *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->headers);
	free(s->names);
}

static struct ey_error *sections_open(const char *path, struct elf_sections *ret)
{
	struct stat st;
	Elf64_Ehdr e;

	*ret = (struct elf_sections){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
	if (ret->fd < 0)
		return ey_error_errno(errno == ENOENT ? EY_ERR_NOT_FOUND : EY_ERR_IO, errno,
				      "cannot open %s", path);
	if (fstat(ret->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    !read_at(ret->fd, &e, sizeof(e), 0) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 ||
	    e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB ||
	    e.e_shentsize != sizeof(*ret->headers) || !e.e_shnum || e.e_shstrndx >= e.e_shnum)
		return ey_error_create(EY_ERR_INPUT,
				       "%s is no vmlinux: not an ELF file of 64 bits with sections",
				       path);
	ret->headers = calloc(e.e_shnum, sizeof(*ret->headers));
	if (!ret->headers)
		return &ey_error_nomem;
	ret->count = e.e_shnum;
	if (!read_at(ret->fd, ret->headers, e.e_shnum * sizeof(*ret->headers), e.e_shoff))
		return ey_error_create(EY_ERR_INPUT, "%s is cut off", path);
	const Elf64_Shdr *s = &ret->headers[e.e_shstrndx];
	size_t len = (size_t)s->sh_size;
	if (s->sh_size > MAX_NAMES || !(ret->names = malloc(len + 1)) ||
	    !read_at(ret->fd, ret->names, len, s->sh_offset))
		return ey_error_create(EY_ERR_INPUT, "%s: the names of its sections are damaged",
				       path);
	ret->names[len] = '\0';
	ret->names_len = len;
	return NULL;
}

struct ey_error *vmlinux_read_build_id(const char *path, char build_id[VMLINUX_BUILD_ID_SIZE],
				       bool *debuginfo)
{
	struct elf_sections s;
	struct ey_error *err = sections_open(path, &s);

	build_id[0] = '\0';
	*debuginfo = false;
	for (size_t i = 0; !err && i < s.count; i++) {
		const char *name = section_name(s.names, s.names_len, &s.headers[i]);

		if (s.headers[i].sh_type == SHT_NOTE && !build_id[0])
			read_note(s.fd, &s.headers[i], build_id);
		else if (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info"))
			*debuginfo = true;
	}
	sections_close(&s);
	return err;
}

struct ey_error *vmlinux_read_section(const char *path, const char *name, size_t max, void **ret,
				      size_t *len_ret)
{
	struct elf_sections s;
	struct ey_error *err = sections_open(path, &s);

	*ret = NULL;
	*len_ret = 0;
	for (size_t i = 0; !err && i < s.count && !*ret; i++) {
		const Elf64_Shdr *h = &s.headers[i];

		if (h->sh_type == SHT_NOBITS || !h->sh_size ||
		    strcmp(section_name(s.names, s.names_len, h), name) != 0)
			continue;
		if (h->sh_size > max || !(*ret = malloc((size_t)h->sh_size)) ||
		    !read_at(s.fd, *ret, (size_t)h->sh_size, h->sh_offset))
			err = ey_error_create(EY_ERR_INPUT, "%s: its section %s is damaged", path,
					      name);
		else
			*len_ret = (size_t)h->sh_size;
	}
	sections_close(&s);
	return err;
}
