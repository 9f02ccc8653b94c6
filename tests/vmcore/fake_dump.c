// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_dump.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "fake_dump: out of memory\n");
		abort();
	}
	return p;
}

void fake_dump_init(struct fake_dump *f, int levels)
{
	// Frame 0 stays unused, as it is in most machines.
	*f = (struct fake_dump){.levels = levels, .next_pfn = 1};
	f->top_pfn = fake_dump_new_frame(f);
	// The image's address minus START_KERNEL_MAP plus phys_base is where the table lies. Here
	// that makes phys_base negative, as it is when KASLR loads a kernel low.
	ey_buf_printf(&f->info, "OSRELEASE=6.1.0-fake\nPAGESIZE=4096\n");
	fake_dump_symbol(f, "swapper_pg_dir", FAKE_IMAGE);
	ey_buf_printf(&f->info, "NUMBER(phys_base)=%" PRId64 "\n",
		      (int64_t)(f->top_pfn * FAKE_PAGE) -
			      (int64_t)(FAKE_IMAGE - 0xffffffff80000000ULL));
	if (levels == 5)
		ey_buf_adds(&f->info, "NUMBER(pgtable_l5_enabled)=1\n");
}

void fake_dump_deinit(struct fake_dump *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->frames[i].bytes);
	free(f->frames);
	ey_buf_deinit(&f->info);
	ey_buf_deinit(&f->notes);
	*f = (struct fake_dump){0};
}

static struct fake_frame *frame(struct fake_dump *f, uint64_t pfn)
{
	size_t i = f->count;

	while (i && f->frames[i - 1].pfn >= pfn)
		i--;
	if (i < f->count && f->frames[i].pfn == pfn)
		return &f->frames[i];
	f->frames = must(reallocarray(f->frames, f->count + 1, sizeof(*f->frames)));
	memmove(&f->frames[i + 1], &f->frames[i], (f->count - i) * sizeof(*f->frames));
	f->frames[i] = (struct fake_frame){.pfn = pfn, .bytes = must(calloc(1, FAKE_PAGE))};
	f->count++;
	return &f->frames[i];
}

uint8_t *fake_dump_frame(struct fake_dump *f, uint64_t pfn)
{
	return frame(f, pfn)->bytes;
}

uint64_t fake_dump_new_frame(struct fake_dump *f)
{
	size_t before;

	do {
		before = f->count;
		frame(f, f->next_pfn++);
	} while (f->count == before); // a test had made it
	return f->next_pfn - 1;
}

void fake_dump_leave_out(struct fake_dump *f, uint64_t pfn)
{
	frame(f, pfn)->left_out = true;
}

// The entry for vaddr in the table of the level; the tables above it are made.
static uint64_t *entry(struct fake_dump *f, uint64_t vaddr, int level)
{
	uint64_t *table = (uint64_t *)(void *)fake_dump_frame(f, f->top_pfn);

	for (int l = f->levels - 1; l > level; l--) {
		uint64_t *e = &table[vaddr >> (12 + 9 * l) & 511];

		if (!*e)
			*e = fake_dump_new_frame(f) * FAKE_PAGE | FAKE_PRESENT;
		table = (uint64_t *)(void *)fake_dump_frame(f, *e / FAKE_PAGE);
	}
	return &table[vaddr >> (12 + 9 * level) & 511];
}

void fake_dump_map(struct fake_dump *f, uint64_t vaddr, int level, uint64_t pfn, uint64_t flags)
{
	*entry(f, vaddr, level) = pfn * FAKE_PAGE | flags;
}

uint64_t fake_dump_page(struct fake_dump *f, uint64_t vaddr)
{
	uint64_t *e = entry(f, vaddr, 0);

	if (!*e)
		*e = fake_dump_new_frame(f) * FAKE_PAGE | FAKE_PRESENT;
	return *e / FAKE_PAGE;
}

void fake_dump_put(struct fake_dump *f, uint64_t vaddr, const void *data, size_t len)
{
	const uint8_t *from = data;

	while (len) {
		size_t start = vaddr % FAKE_PAGE;
		size_t n = EY_MIN(FAKE_PAGE - start, len);

		memcpy(fake_dump_frame(f, fake_dump_page(f, vaddr)) + start, from, n);
		from += n;
		vaddr += n;
		len -= n;
	}
}

void fake_dump_put_u64(struct fake_dump *f, uint64_t vaddr, uint64_t value)
{
	fake_dump_put(f, vaddr, &value, sizeof(value));
}

void fake_dump_put_u32(struct fake_dump *f, uint64_t vaddr, uint32_t value)
{
	fake_dump_put(f, vaddr, &value, sizeof(value));
}

void fake_dump_reserve(struct fake_dump *f, uint64_t vaddr, size_t len)
{
	for (uint64_t at = vaddr & ~(uint64_t)(FAKE_PAGE - 1); at < vaddr + len; at += FAKE_PAGE)
		fake_dump_page(f, at);
}

void fake_dump_symbol(struct fake_dump *f, const char *name, uint64_t address)
{
	ey_buf_printf(&f->info, "SYMBOL(%s)=%" PRIx64 "\n", name, address);
}

static void pad(struct ey_buf *buf, size_t unit)
{
	while (buf->len % unit)
		ey_buf_addc(buf, '\0');
}

void fake_note(struct ey_buf *notes, const char *name, uint32_t type, const void *desc, size_t len)
{
	Elf64_Nhdr h = {(Elf64_Word)strlen(name) + 1, (Elf64_Word)len, type};

	ey_buf_add(notes, &h, sizeof(h));
	ey_buf_add(notes, name, h.n_namesz);
	pad(notes, 4);
	ey_buf_add(notes, desc, len);
	pad(notes, 4);
}

void fake_dump_notes(const struct fake_dump *f, struct ey_buf *ret)
{
	ey_buf_add(ret, f->notes.data, f->notes.len);
	if (f->info.len)
		fake_note(ret, "VMCOREINFO", 0, ey_buf_str(&f->info), f->info.len);
}

// The first frame behind the run that begins at i, not counting what is left out.
static size_t run_end(const struct fake_dump *f, size_t i)
{
	size_t end = i + 1;

	while (end < f->count && !f->frames[end].left_out &&
	       f->frames[end].pfn == f->frames[end - 1].pfn + 1)
		end++;
	return end;
}

void fake_dump_write_elf(const struct fake_dump *f, struct ey_buf *ret)
{
	_cleanup_buf_ struct ey_buf notes = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf pages = EY_BUF_INIT;
	_cleanup_buf_ struct ey_buf headers = EY_BUF_INIT;
	size_t runs = 0;

	fake_dump_notes(f, &notes);
	pad(&notes, 4);
	for (size_t i = 0; i < f->count; i = f->frames[i].left_out ? i + 1 : run_end(f, i))
		runs += !f->frames[i].left_out;
	uint64_t begin = sizeof(Elf64_Ehdr) + (runs + 1) * sizeof(Elf64_Phdr);
	Elf64_Phdr note = {.p_type = PT_NOTE, .p_offset = begin, .p_filesz = notes.len};
	ey_buf_add(&headers, &note, sizeof(note));
	for (size_t i = 0; i < f->count;) {
		if (f->frames[i].left_out) {
			i++;
			continue;
		}
		size_t end = run_end(f, i);
		Elf64_Phdr load = {.p_type = PT_LOAD,
				   .p_offset = begin + notes.len + pages.len,
				   .p_paddr = f->frames[i].pfn * FAKE_PAGE,
				   .p_filesz = (end - i) * FAKE_PAGE,
				   .p_memsz = (end - i) * FAKE_PAGE};
		ey_buf_add(&headers, &load, sizeof(load));
		for (; i < end; i++)
			ey_buf_add(&pages, f->frames[i].bytes, FAKE_PAGE);
	}
	Elf64_Ehdr h = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    EV_CURRENT},
			.e_type = ET_CORE,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(h),
			.e_ehsize = sizeof(h),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = (Elf64_Half)(runs + 1)};
	ey_buf_add(ret, &h, sizeof(h));
	ey_buf_add(ret, headers.data, headers.len);
	ey_buf_add(ret, notes.data, notes.len);
	ey_buf_add(ret, pages.data, pages.len);
}

int fake_file(const void *data, size_t len)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	if (fd < 0 || (len && pwrite(fd, data, len, 0) != (ssize_t)len)) {
		perror("fake_file");
		abort();
	}
	return fd;
}

int fake_dump_elf_file(const struct fake_dump *f)
{
	_cleanup_buf_ struct ey_buf file = EY_BUF_INIT;

	fake_dump_write_elf(f, &file);
	return fake_file(file.data, file.len);
}
