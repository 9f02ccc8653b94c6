/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcore/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vmcore/find_info.h"
#include "vmcore/module.h"
#include "vmcore/orc.h"
#include "vmcore/vmcoreinfo.h"

static const char *const symbol_names[] = {
#define X(name) #name,
	KERNEL_SYMBOLS(X)
#undef X
};

static const struct {
	const char *type, *member;
} member_names[] = {
#define X(id, type, member) {type, member},
	KERNEL_MEMBERS(X)
#undef X
};

static void add_gap(struct kernel *k, const char *what, char *why)
{
	for (size_t i = 0; i < k->gap_count; i++) {
		if (!strcmp(k->gaps[i].what, what)) {
			free(why);
			return;
		}
	}
	char *copy = strdup(what);
	if (k->gap_count == KERNEL_MAX_GAPS || !copy || !why) {
		free(copy);
		free(why);
		return;
	}
	k->gaps[k->gap_count++] = (struct gap){copy, why};
}

void kernel_gap(struct kernel *k, const char *what, const char *why, ...)
{
	char *text;
	va_list ap;

	va_start(ap, why);
	int n = vasprintf(&text, why, ap);
	va_end(ap);
	add_gap(k, what, n < 0 ? NULL : text);
}

void kernel_gap_error(struct kernel *k, const char *what, struct ey_error *err)
{
	add_gap(k, what, strdup(err->message));
	ey_error_destroy(err);
}

bool kernel_symbol(struct kernel *k, enum kernel_symbol symbol, uint64_t *ret)
{
	*ret = k->symbols[symbol].address;
	return k->symbols[symbol].found;
}

const struct btf_member *kernel_member(struct kernel *k, enum kernel_member member)
{
	if (!k->members[member].state) {
		bool there = k->have_btf &&
			     btf_member(&k->btf, member_names[member].type,
					member_names[member].member, &k->members[member].member);
		k->members[member].state = there ? 1 : 2;
	}
	return k->members[member].state == 1 ? &k->members[member].member : NULL;
}

bool kernel_read(struct kernel *k, uint64_t base, enum kernel_member member, uint64_t *ret)
{
	const struct btf_member *m = kernel_member(k, member);
	uint64_t value = 0;

	if (!m || m->bit_size || m->bit_offset % 8 || !m->size || m->size > sizeof(value))
		return false;
	_cleanup_error_ struct ey_error *err =
		memory_read(&k->memory, base + m->bit_offset / 8, &value, m->size);
	*ret = value;
	return !err;
}

bool kernel_read_signed(struct kernel *k, uint64_t base, enum kernel_member member, int64_t *ret)
{
	uint64_t value;

	if (!kernel_read(k, base, member, &value))
		return false;
	unsigned int unused_bits = 64 - 8 * kernel_member(k, member)->size;
	*ret = (int64_t)(value << unused_bits) >> unused_bits;
	return true;
}

bool kernel_read_string(struct kernel *k, uint64_t base, enum kernel_member member, char *buf,
			size_t size)
{
	const struct btf_member *m = kernel_member(k, member);

	buf[0] = '\0';
	if (!m || !m->size)
		return false;
	return memory_string(&k->memory, base + m->bit_offset / 8, buf,
			     EY_MIN(size, (size_t)m->size + 1));
}

bool kernel_percpu(struct kernel *k, enum kernel_symbol symbol, unsigned int cpu, uint64_t *ret)
{
	uint64_t address;

	if (cpu >= k->cpu_count || !kernel_symbol(k, symbol, &address))
		return false;
	*ret = address + k->percpu_offsets[cpu];
	return true;
}

static void read_cpu_mask(struct kernel *k, enum kernel_symbol symbol, bool *ret)
{
	uint64_t mask, word;

	if (!kernel_symbol(k, symbol, &mask))
		return;
	for (unsigned int cpu = 0; cpu < k->cpu_count; cpu++) {
		if (memory_u64(&k->memory, mask + cpu / 64 * UINT64_C(8), &word))
			ret[cpu] = word >> (cpu % 64) & 1;
	}
}

bool kernel_cpu_is_present(const struct kernel *k, unsigned int cpu)
{
	return k->cpu_online[cpu] || (k->cpu_present && k->cpu_present[cpu]);
}

static struct ey_error *open_cpus(struct kernel *k)
{
	uint64_t offsets, ids;
	uint32_t count = 1;

	if (!kernel_symbol(k, SYM___per_cpu_offset, &offsets))
		return ey_error_create(EY_ERR_INPUT, "no symbol __per_cpu_offset");
	if (kernel_symbol(k, SYM_nr_cpu_ids, &ids) && !memory_u32(&k->memory, ids, &count))
		return ey_error_create(EY_ERR_FAULT, "nr_cpu_ids is not in the dump");
	if (!count || count > KERNEL_MAX_CPUS)
		return ey_error_create(EY_ERR_INPUT, "nr_cpu_ids is %u: damaged", count);
	k->percpu_offsets = calloc(count, sizeof(*k->percpu_offsets));
	k->cpu_online = calloc(count, sizeof(*k->cpu_online));
	k->cpu_present = calloc(count, sizeof(*k->cpu_present));
	if (!k->percpu_offsets || !k->cpu_online || !k->cpu_present)
		return &ey_error_nomem;
	struct ey_error *err =
		memory_read(&k->memory, offsets, k->percpu_offsets, count * sizeof(uint64_t));
	if (err)
		return ey_error_prefix(err, "__per_cpu_offset");
	k->cpu_count = count;
	read_cpu_mask(k, SYM___cpu_online_mask, k->cpu_online);
	read_cpu_mask(k, SYM___cpu_present_mask, k->cpu_present);
	return NULL;
}

// What VMCOREINFO says of symbols needs no kallsyms, and tells whether kallsyms can be believed.
static void trust_vmcoreinfo(struct kernel *k)
{
	const char *liar = NULL;
	uint64_t address;

	for (size_t i = 0; i < SYM_COUNT; i++) {
		struct wanted_symbol *s = &k->symbols[i];

		if (!vmcoreinfo_symbol(k->dump.vmcoreinfo, s->name, &address))
			continue;
		if (s->found && s->address != address)
			liar = s->name;
		s->address = address;
		s->found = true;
	}
	if (!liar)
		return;
	kernel_gap(k, "symbols", "kallsyms is damaged: it says other than VMCOREINFO where %s is",
		   liar);
	k->have_kallsyms = false;
	for (size_t i = 0; i < SYM_COUNT; i++)
		k->symbols[i].found = vmcoreinfo_symbol(k->dump.vmcoreinfo, k->symbols[i].name,
							&k->symbols[i].address);
}

static const struct kernel_aids no_aids;

// Symbols from the file that was given; false where there is none that fits.
static bool open_symbol_file(struct kernel *k, const struct kernel_aids *aids)
{
	const struct {
		const char *gap;
		int fd;
	} files[] = {{"the vmlinux given", aids->vmlinux_fd},
		     {"the System.map given", aids->system_map_fd}};

	for (size_t i = 0; i < EY_ARRAY_SIZE(files); i++) {
		if (!files[i].fd)
			continue;
		struct ey_error *err = symbol_file_open(&k->symbol_file, &k->memory, files[i].fd);
		if (!err) {
			symbol_file_resolve(&k->symbol_file, k->symbols, SYM_COUNT);
			return true;
		}
		kernel_gap_error(k, files[i].gap, err);
	}
	return false;
}

static void open_symbols(struct kernel *k, const struct kernel_aids *aids)
{
	struct ey_error *err = kallsyms_init(&k->kallsyms, &k->memory);

	if (!err) {
		kallsyms_resolve(&k->kallsyms, k->symbols, SYM_COUNT);
		if (k->kallsyms.walked < k->kallsyms.count)
			err = ey_error_create(EY_ERR_INPUT,
					      "the names of %u of %u symbols could not be read: "
					      "pages are missing or damaged",
					      k->kallsyms.count - k->kallsyms.walked,
					      k->kallsyms.count);
		k->have_kallsyms = true;
	}
	if (err && open_symbol_file(k, aids)) {
		k->have_kallsyms = true;
		ey_error_destroy(err);
	} else if (err) {
		kernel_gap_error(k, "symbols", err);
	}
	trust_vmcoreinfo(k);
	uint64_t at, base;
	if (kernel_symbol(k, SYM_page_offset_base, &at) && memory_u64(&k->memory, at, &base))
		k->memory.direct_map = base;
}

// Types must be this kernel's: with them the name of the first task is where it is.
static bool types_fit(struct kernel *k)
{
	char comm[sizeof("swapper")];
	uint64_t init_task;
	uint32_t size;

	return btf_sizeof(&k->btf, "task_struct", &size) &&
	       (!kernel_symbol(k, SYM_init_task, &init_task) ||
		(kernel_read_string(k, init_task, MEM_TASK_COMM, comm, sizeof(comm)) &&
		 !strncmp(comm, "swapper", strlen("swapper"))));
}

static struct ey_error *open_own_types(struct kernel *k)
{
	uint64_t start, stop;

	if (!kernel_symbol(k, SYM___start_BTF, &start) || !kernel_symbol(k, SYM___stop_BTF, &stop))
		return ey_error_create(EY_ERR_INPUT,
				       k->have_kallsyms
					       ? "no BTF in the kernel (no symbol __start_BTF)"
					       : "without symbols the BTF cannot be found");
	return btf_init(&k->btf, &k->memory, start, stop);
}

static bool open_types_file(struct kernel *k, const char *what, int fd, uint64_t offset,
			    uint64_t size)
{
	struct ey_error *err = btf_init_file(&k->btf, fd, offset, size);

	k->have_btf = !err;
	if (!err && !types_fit(k))
		err = ey_error_create(EY_ERR_INPUT, "they are of another kernel");
	if (!err)
		return true;
	kernel_gap_error(k, what, err);
	btf_deinit(&k->btf);
	memset(k->members, 0, sizeof(k->members));
	k->have_btf = false;
	return false;
}

static void open_types(struct kernel *k, const struct kernel_aids *aids)
{
	struct symbol_file *f = &k->symbol_file, vmlinux = {0};
	struct ey_error *err = open_own_types(k);
	uint32_t size;

	if (!err && !btf_sizeof(&k->btf, "task_struct", &size))
		err = ey_error_create(EY_ERR_INPUT,
				      "the BTF could not be read: pages are missing or damaged");
	k->have_btf = !err;
	if (!err)
		return;
	btf_deinit(&k->btf);
	// kallsyms was there, so that the vmlinux was not looked at yet.
	if (aids->vmlinux_fd && !f->map) {
		f = &vmlinux;
		struct ey_error *refused = symbol_file_open(f, &k->memory, aids->vmlinux_fd);
		if (refused)
			kernel_gap_error(k, "the vmlinux given", refused);
	}
	bool found =
		(aids->types_fd && open_types_file(k, "the types given", aids->types_fd, 0, 0)) ||
		(aids->vmlinux_fd && f->btf_size &&
		 open_types_file(k, "the types of the vmlinux given", aids->vmlinux_fd,
				 f->btf_offset, f->btf_size));
	if (found)
		ey_error_destroy(err);
	else
		kernel_gap_error(k, "types", err);
	symbol_file_close(&vmlinux);
}

struct ey_error *kernel_open(struct kernel *k, int fd)
{
	return kernel_open_aided(k, &fd, 1, &no_aids);
}

struct ey_error *kernel_open_set(struct kernel *k, const int *fds, size_t count)
{
	return kernel_open_aided(k, fds, count, &no_aids);
}

struct ey_error *kernel_open_aided(struct kernel *k, const int *fds, size_t count,
				   const struct kernel_aids *aids)
{
	*k = (struct kernel){0};
	for (size_t i = 0; i < SYM_COUNT; i++)
		k->symbols[i].name = symbol_names[i];
	struct ey_error *err = dump_open_set(&k->dump, fds, count);
	if (err)
		return err;
	// QEMU's dumps of a guest without a vmcoreinfo device.
	if (!k->dump.vmcoreinfo && !k->dump.live)
		err = find_info(&k->dump);
	if (!err)
		err = memory_init(&k->memory, &k->dump);
	if (err) {
		kernel_close(k);
		return err;
	}
	if (k->dump.incomplete)
		kernel_gap(k, "dump", "the dump is incomplete: %s", k->dump.incomplete_why);
	open_symbols(k, aids);
	// Page tables alone do not tell a kernel from something else that maps high addresses.
	if (k->dump.vmcoreinfo_made && !k->have_kallsyms) {
		kernel_close(k);
		return ey_error_create(EY_ERR_INPUT, "%s", memory_no_info);
	}
	if (k->dump.vmcoreinfo_made)
		kernel_gap(k, "vmcoreinfo",
			   "the kernel died before it had written its VMCOREINFO: its image was "
			   "found by the page tables of the first CPU, its symbols by their form");
	open_types(k, aids);
	err = open_cpus(k);
	if (err)
		kernel_gap_error(k, "cpus", err);
	err = modules_load(k);
	if (err)
		kernel_gap_error(k, "modules", err);
	err = orc_create(k, &k->orc);
	k->frame_pointers = err && orc_is_replaced_by_frame_pointers(k);
	if (k->frame_pointers)
		ey_error_destroy(err);
	else if (err)
		kernel_gap_error(k, "stacks", err);
	return NULL;
}

void kernel_close(struct kernel *k)
{
	orc_destroy(k->orc);
	modules_free(k);
	free(k->percpu_offsets);
	free(k->cpu_online);
	free(k->cpu_present);
	for (size_t i = 0; i < k->gap_count; i++) {
		free(k->gaps[i].what);
		free(k->gaps[i].why);
	}
	if (k->have_kallsyms || k->kallsyms.memory)
		kallsyms_deinit(&k->kallsyms);
	symbol_file_close(&k->symbol_file);
	btf_deinit(&k->btf);
	dump_close(&k->dump);
	*k = (struct kernel){.dump.source.fd = -1};
}

static bool between(struct kernel *k, enum kernel_symbol first, enum kernel_symbol end,
		    uint64_t address)
{
	uint64_t a, b;

	return kernel_symbol(k, first, &a) && kernel_symbol(k, end, &b) && address >= a &&
	       address < b;
}

static bool in_kernel_text(struct kernel *k, uint64_t address)
{
	return between(k, SYM__stext, SYM__etext, address) ||
	       between(k, SYM__sinittext, SYM__einittext, address);
}

bool kernel_is_text(struct kernel *k, uint64_t address)
{
	return in_kernel_text(k, address) || module_of_text(k, address);
}

bool kernel_symbol_at(struct kernel *k, uint64_t address, struct symbol *ret)
{
	if (!k->have_kallsyms)
		return false;
	return k->symbol_file.count ? symbol_file_find(&k->symbol_file, address, ret)
				    : kallsyms_find_address(&k->kallsyms, address, ret);
}

bool kernel_find_symbol(struct kernel *k, uint64_t address, struct symbol *ret)
{
	struct module *module = module_of_text(k, address);

	if (module)
		return module_find_symbol(k, module, address, ret);
	return in_kernel_text(k, address) && kernel_symbol_at(k, address, ret);
}
