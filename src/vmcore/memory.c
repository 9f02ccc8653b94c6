/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "vmcore/machine.h"

const char memory_no_info[] =
	"there is no VMCOREINFO, neither in the dump's notes nor in its memory: not a Linux "
	"kernel's, or dumped before its kernel had set it up";

struct ey_error *memory_init(struct memory *m, struct dump *dump)
{
	*m = (struct memory){.dump = dump, .machine = dump->machine};
	if (!dump->vmcoreinfo)
		return ey_error_create(EY_ERR_INPUT, "%s", memory_no_info);
	return m->machine->memory_open(m, dump->vmcoreinfo);
}

struct ey_error *memory_translate(struct memory *m, uint64_t vaddr, uint64_t *pfn_ret)
{
	const uint64_t vpn = vaddr >> DUMP_PAGE_SHIFT;
	const size_t place = vpn % MEMORY_TLB_SIZE;

	if (m->tlb[place].vpn == vpn + 1) {
		*pfn_ret = m->tlb[place].pfn;
		return NULL;
	}
	struct ey_error *err = m->machine->walk(m, vaddr, pfn_ret);
	if (err)
		return err;
	m->tlb[place].vpn = vpn + 1;
	m->tlb[place].pfn = *pfn_ret;
	return NULL;
}

// A page of the kernel's image is never free, a user's or cache: one that makedumpfile left out
// while leaving out pages of zeros was a page of zeros.
static bool is_zero_page(struct memory *m, uint64_t vaddr, uint64_t pfn)
{
	return m->machine->in_image(vaddr) && dump_page_may_be_zero(m->dump, pfn);
}

static const uint8_t zeros[DUMP_PAGE_SIZE];

static struct ey_error *get_page(struct memory *m, uint64_t vaddr, const uint8_t **ret)
{
	uint64_t pfn;
	struct ey_error *err = memory_translate(m, vaddr, &pfn);

	if (err)
		return err;
	if (is_zero_page(m, vaddr, pfn)) {
		*ret = zeros;
		return NULL;
	}
	return dump_get_page(m->dump, pfn, ret);
}

struct ey_error *memory_read(struct memory *m, uint64_t vaddr, void *buf, size_t len)
{
	uint8_t *out = buf;

	if (len && vaddr > UINT64_MAX - (len - 1))
		return ey_error_create(EY_ERR_FAULT, "no memory at 0x%016" PRIx64, vaddr);
	while (len) {
		size_t start = vaddr % DUMP_PAGE_SIZE;
		size_t n = EY_MIN(DUMP_PAGE_SIZE - start, len);
		const uint8_t *page;

		struct ey_error *err = get_page(m, vaddr, &page);
		if (err)
			return err;
		memcpy(out, page + start, n);
		out += n;
		vaddr += n;
		len -= n;
	}
	return NULL;
}

bool memory_u64(struct memory *m, uint64_t vaddr, uint64_t *ret)
{
	_cleanup_error_ struct ey_error *err = memory_read(m, vaddr, ret, sizeof(*ret));

	return !err;
}

bool memory_u32(struct memory *m, uint64_t vaddr, uint32_t *ret)
{
	_cleanup_error_ struct ey_error *err = memory_read(m, vaddr, ret, sizeof(*ret));

	return !err;
}

bool memory_string(struct memory *m, uint64_t vaddr, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size - 1) {
		size_t room = DUMP_PAGE_SIZE - (vaddr + len) % DUMP_PAGE_SIZE;
		size_t n = EY_MIN(room, size - 1 - len);

		_cleanup_error_ struct ey_error *err = memory_read(m, vaddr + len, buf + len, n);
		if (err)
			break;
		if (memchr(buf + len, '\0', n))
			return true;
		len += n;
	}
	buf[len] = '\0';
	return len > 0;
}

struct ey_error *range_init(struct range *r, struct memory *m, uint64_t base, uint64_t size)
{
	*r = (struct range){.memory = m, .base = base, .size = size};
	if (!size || size > RANGE_MAX_SIZE || base > UINT64_MAX - size - DUMP_PAGE_SIZE)
		return ey_error_create(EY_ERR_INPUT,
				       "a range of %" PRIu64 " bytes at 0x%016" PRIx64
				       " is not plausible",
				       size, base);
	size_t pages = (base % DUMP_PAGE_SIZE + size + DUMP_PAGE_SIZE - 1) / DUMP_PAGE_SIZE;
	r->state = calloc(pages, 1);
	if (!r->state)
		return &ey_error_nomem;
	r->map_len = pages * DUMP_PAGE_SIZE;
	void *map =
		mmap(NULL, r->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED) {
		r->map_len = 0;
		return &ey_error_nomem;
	}
	r->map = map;
	return NULL;
}

struct ey_error *range_init_file(struct range *r, int fd, uint64_t offset, uint64_t size)
{
	struct stat st;

	*r = (struct range){0};
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size <= offset ||
	    size > (uint64_t)st.st_size - offset)
		return ey_error_create(EY_ERR_INPUT, "the file is too short, or none");
	uint64_t begin = offset & ~(uint64_t)(DUMP_PAGE_SIZE - 1);
	r->base = offset - begin;
	r->size = size ? size : (uint64_t)st.st_size - offset;
	if (r->size > RANGE_MAX_SIZE)
		return ey_error_create(EY_ERR_INPUT, "the file is too large");
	size_t pages = (size_t)(r->base + r->size + DUMP_PAGE_SIZE - 1) / DUMP_PAGE_SIZE;
	r->state = malloc(pages);
	if (!r->state)
		return &ey_error_nomem;
	memset(r->state, 1, pages);
	void *map = mmap(NULL, pages * DUMP_PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd, (off_t)begin);
	if (map == MAP_FAILED)
		return ey_error_errno(EY_ERR_IO, errno, "the file cannot be mapped");
	r->map = map;
	r->map_len = pages * DUMP_PAGE_SIZE;
	return NULL;
}

void range_deinit(struct range *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	free(r->state);
	*r = (struct range){0};
}

static bool load(struct range *r, size_t page)
{
	uint64_t vaddr = (r->base & ~(uint64_t)(DUMP_PAGE_SIZE - 1)) + page * DUMP_PAGE_SIZE;
	uint64_t pfn = 0;
	_cleanup_error_ struct ey_error *err = memory_translate(r->memory, vaddr, &pfn);

	// Pages of zeros are there already.
	if (!err && !is_zero_page(r->memory, vaddr, pfn))
		err = dump_read_page(r->memory->dump, pfn, r->map + page * DUMP_PAGE_SIZE);
	r->state[page] = err ? 2 : 1;
	r->missing += !!err;
	return !err;
}

const void *range_get(struct range *r, uint64_t offset, uint64_t len)
{
	if (!r->map || offset > r->size || len > r->size - offset)
		return NULL;
	uint64_t begin = r->base % DUMP_PAGE_SIZE + offset;
	size_t last = (size_t)((begin + (len ? len - 1 : 0)) / DUMP_PAGE_SIZE);

	for (size_t page = (size_t)(begin / DUMP_PAGE_SIZE); page <= last; page++) {
		if (r->state[page] == 1)
			continue;
		if (r->state[page] == 2 || !load(r, page))
			return NULL;
	}
	return r->map + begin;
}
