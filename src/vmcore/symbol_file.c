// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmcore/symbol_file.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "vmcore/machine.h"
#include "vmcore/vmcoreinfo.h"

enum {
	MAX_SYMBOLS = 10000000,
	MAX_SECTIONS = 1 << 16,
	MAX_BUILD_ID = 64,
	BANNER_SIZE = 256,
};
static const uint64_t max_file = 4ULL << 30;

static bool slice(const struct symbol_file *f, uint64_t offset, uint64_t len)
{
	return offset <= f->map_len && len <= f->map_len - offset;
}

static bool has_end(const char *name, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(name + len - n, end, n);
}

// Of several symbols at one address scripts/kallsyms.c puts first what the linker did not provide,
// and what has fewer underscores before it (compare_symbols()).
static uint32_t rank_of(const char *name, size_t len)
{
	uint32_t underscores = 0;

	while (underscores < len && name[underscores] == '_')
		underscores++;
	bool linker =
		underscores >= 2 && (has_end(name, len, "_start") || has_end(name, len, "_end") ||
				     !strncmp(name, "__start_", EY_MIN(len, (size_t)8)) ||
				     !strncmp(name, "__stop_", EY_MIN(len, (size_t)7)) ||
				     !strncmp(name, "__end_", EY_MIN(len, (size_t)6)));
	return (linker ? 1u << 16 : 0) + underscores;
}

static struct ey_error *add(struct symbol_file *f, size_t *capacity, uint64_t address,
			    uint64_t name, size_t len)
{
	// Labels of the assembler say nothing.
	if (!len || len >= KALLSYMS_NAME_SIZE || f->map[name] == '.' || f->map[name] == '$')
		return NULL;
	if (f->count == MAX_SYMBOLS)
		return ey_error_create(EY_ERR_INPUT, "the %s has too many symbols", f->kind);
	if (f->count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 65536;
		void *entries = reallocarray(f->entries, more, sizeof(*f->entries));

		if (!entries)
			return &ey_error_nomem;
		f->entries = entries;
		*capacity = more;
	}
	f->entries[f->count] = (struct symbol_file_entry){address, name, (uint32_t)len,
							  rank_of(f->map + name, len)};
	f->count++;
	return NULL;
}

// "ffffffff81000000 T _stext" a line.
static struct ey_error *read_map(struct symbol_file *f)
{
	const char *end = f->map + f->map_len;
	size_t capacity = 0;
	struct ey_error *err = NULL;

	f->kind = "System.map";
	for (const char *line = f->map, *next; !err && line < end; line = next) {
		enum { DIGITS = 16, NAME_AT = DIGITS + 3 };
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		char digits[DIGITS + 1];
		char *rest;

		stop = stop ? stop : end;
		next = stop + 1;
		if (stop - line <= NAME_AT || line[DIGITS] != ' ' || line[NAME_AT - 1] != ' ')
			return ey_error_create(EY_ERR_INPUT,
					       "it is neither a System.map nor an ELF file");
		memcpy(digits, line, DIGITS);
		digits[DIGITS] = '\0';
		uint64_t address = strtoull(digits, &rest, 16);
		if (*rest)
			return ey_error_create(EY_ERR_INPUT,
					       "it is neither a System.map nor an ELF file");
		err = add(f, &capacity, address, (uint64_t)(line + NAME_AT - f->map),
			  (size_t)(stop - line) - NAME_AT);
	}
	return err;
}

// Section i of an ELF file whose header was checked.
static bool section(const struct symbol_file *f, const Elf64_Ehdr *h, size_t i, Elf64_Shdr *ret)
{
	if (i >= h->e_shnum || !slice(f, h->e_shoff + i * sizeof(*ret), sizeof(*ret)))
		return false;
	memcpy(ret, f->map + h->e_shoff + i * sizeof(*ret), sizeof(*ret));
	return ret->sh_type == SHT_NOBITS || slice(f, ret->sh_offset, ret->sh_size);
}

static struct ey_error *read_symtab(struct symbol_file *f, const Elf64_Shdr *table,
				    const Elf64_Shdr *strings)
{
	size_t capacity = 0;
	struct ey_error *err = NULL;

	for (uint64_t i = 1; !err && i < table->sh_size / sizeof(Elf64_Sym); i++) {
		Elf64_Sym s;

		memcpy(&s, f->map + table->sh_offset + i * sizeof(s), sizeof(s));
		unsigned int type = ELF64_ST_TYPE(s.st_info);
		if (s.st_shndx == SHN_UNDEF || type == STT_SECTION || type == STT_FILE ||
		    s.st_name >= strings->sh_size)
			continue;
		uint64_t at = strings->sh_offset + s.st_name;
		err = add(f, &capacity, s.st_value, at,
			  strnlen(f->map + at, (size_t)(strings->sh_size - s.st_name)));
	}
	return err;
}

// The GNU build id in the notes of a section as hexadecimal digits; "" for none.
static void read_build_id(const struct symbol_file *f, const Elf64_Shdr *notes, char *ret)
{
	Elf64_Nhdr n;

	for (uint64_t at = 0; at + sizeof(n) <= notes->sh_size;) {
		memcpy(&n, f->map + notes->sh_offset + at, sizeof(n));
		uint64_t desc = at + sizeof(n) + ((n.n_namesz + 3ULL) & ~3ULL);

		if (desc > notes->sh_size || n.n_descsz > notes->sh_size - desc)
			return;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == sizeof("GNU") &&
		    n.n_descsz <= MAX_BUILD_ID &&
		    !memcmp(f->map + notes->sh_offset + at + sizeof(n), "GNU", sizeof("GNU"))) {
			for (size_t i = 0; i < n.n_descsz; i++)
				snprintf(ret + 2 * i, 3, "%02x",
					 (uint8_t)f->map[notes->sh_offset + desc + i]);
			return;
		}
		at = desc + ((n.n_descsz + 3ULL) & ~3ULL);
	}
}

static struct ey_error *read_elf(struct symbol_file *f, char *build_id)
{
	Elf64_Ehdr h;
	Elf64_Shdr s, strings, names;

	f->kind = "vmlinux";
	if (!slice(f, 0, sizeof(h)))
		return ey_error_create(EY_ERR_INPUT, "it is cut off");
	memcpy(&h, f->map, sizeof(h));
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
	    !machine_by_elf(h.e_machine) || h.e_shentsize != sizeof(s) || h.e_shoff > f->map_len)
		return ey_error_create(EY_ERR_INPUT,
				       "it is no vmlinux of a machine that can be read (x86_64)");
	bool have_names = section(f, &h, h.e_shstrndx, &names);
	struct ey_error *err = NULL;
	for (size_t i = 0; !err && i < h.e_shnum; i++) {
		if (!section(f, &h, i, &s))
			continue;
		if (s.sh_type == SHT_SYMTAB && !f->count && section(f, &h, s.sh_link, &strings))
			err = read_symtab(f, &s, &strings);
		else if (s.sh_type == SHT_NOTE)
			read_build_id(f, &s, build_id);
		else if (have_names && s.sh_type == SHT_PROGBITS &&
			 names.sh_size >= sizeof(".BTF") &&
			 s.sh_name <= names.sh_size - sizeof(".BTF") &&
			 !memcmp(f->map + names.sh_offset + s.sh_name, ".BTF", sizeof(".BTF")))
			f->btf_offset = s.sh_offset, f->btf_size = s.sh_size;
	}
	if (!err && !f->count)
		err = ey_error_create(EY_ERR_INPUT, "it has no symbol table (it was stripped)");
	return err;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol_file_entry *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

// How far KASLR moved the image. Per-CPU symbols before 6.15 are small numbers that stay.
static struct ey_error *place(struct symbol_file *f, struct memory *m)
{
	struct wanted_symbol stext = {.name = "_stext"};
	uint64_t there;

	qsort(f->entries, f->count, sizeof(*f->entries), by_address);
	symbol_file_resolve(f, &stext, 1);
	if (!stext.found || !vmcoreinfo_symbol(m->dump->vmcoreinfo, "_stext", &there))
		return ey_error_create(EY_ERR_INPUT,
				       "it or VMCOREINFO does not say where _stext is");
	for (size_t i = 0; i < f->count; i++) {
		if (m->dump->machine->in_image(f->entries[i].address))
			f->entries[i].address += there - stext.address;
	}
	return NULL;
}

// The dump itself speaks for the file: where this says that linux_banner is, is one, and it names
// the release of VMCOREINFO.
static struct ey_error *check_banner(const struct symbol_file *f, struct memory *m)
{
	struct wanted_symbol banner = {.name = "linux_banner"};
	const char *release = vmcoreinfo_find(m->dump->vmcoreinfo, "OSRELEASE");
	char text[BANNER_SIZE], expected[BANNER_SIZE];

	symbol_file_resolve(f, &banner, 1);
	snprintf(expected, sizeof(expected), "Linux version %.*s ",
		 release ? (int)strcspn(release, "\n") : 0, release ? release : "");
	if (!banner.found || !memory_string(m, banner.address, text, sizeof(text)) ||
	    strncmp(text, expected, strlen(expected)) != 0)
		return ey_error_create(EY_ERR_INPUT,
				       "it is of another kernel: where it says that linux_banner "
				       "is, the dump has not \"%s\"",
				       expected);
	return NULL;
}

static struct ey_error *read_file(struct symbol_file *f, struct memory *m)
{
	char build_id[2 * MAX_BUILD_ID + 1] = "";
	const char *theirs = vmcoreinfo_find(m->dump->vmcoreinfo, "BUILD-ID");
	struct ey_error *err = f->map_len > SELFMAG && !memcmp(f->map, ELFMAG, SELFMAG)
				       ? read_elf(f, build_id)
				       : read_map(f);

	if (err)
		return err;
	if (theirs && build_id[0] &&
	    (strncmp(theirs, build_id, strlen(build_id)) != 0 || theirs[strlen(build_id)] != '\n'))
		return ey_error_create(
			EY_ERR_INPUT,
			"it is of another kernel: its build id is %s, the dump's %.*s", build_id,
			(int)strcspn(theirs, "\n"), theirs);
	err = place(f, m);
	return err ? err : check_banner(f, m);
}

struct ey_error *symbol_file_open(struct symbol_file *f, struct memory *m, int fd)
{
	struct stat st;

	*f = (struct symbol_file){.kind = "file of symbols"};
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uint64_t)st.st_size > max_file)
		return ey_error_create(EY_ERR_INPUT, "it is not a file, is empty or too large");
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return ey_error_errno(EY_ERR_IO, errno, "it cannot be mapped");
	f->map = map;
	f->map_len = (size_t)st.st_size;
	struct ey_error *err = read_file(f, m);
	if (err)
		symbol_file_close(f);
	return err;
}

void symbol_file_close(struct symbol_file *f)
{
	free(f->entries);
	if (f->map)
		munmap((void *)f->map, f->map_len);
	*f = (struct symbol_file){0};
}

void symbol_file_resolve(const struct symbol_file *f, struct wanted_symbol *wanted, size_t count)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct symbol_file_entry *e = &f->entries[i];
		const char *name = f->map + e->name;

		for (size_t w = 0; w < count; w++) {
			if (!wanted[w].found && wanted[w].name[0] == name[0] &&
			    !strncmp(wanted[w].name, name, e->len) && !wanted[w].name[e->len]) {
				wanted[w].found = true;
				wanted[w].address = e->address;
			}
		}
	}
}

bool symbol_file_find(const struct symbol_file *f, uint64_t address, struct symbol *ret)
{
	size_t lo = 0, hi = f->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->entries[mid].address <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	size_t first = lo - 1;
	while (first && f->entries[first - 1].address == f->entries[lo - 1].address)
		first--;
	const struct symbol_file_entry *e = &f->entries[first];
	*ret = (struct symbol){.address = e->address};
	if (lo < f->count)
		ret->size = f->entries[lo].address - e->address;
	memcpy(ret->name, f->map + e->name, e->len);
	ret->name[e->len] = '\0';
	return true;
}
