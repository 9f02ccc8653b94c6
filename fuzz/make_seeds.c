// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * @file
 * Writes the seeds of the targets that read dumps: small dumps, and tables of a kernel, made by
 * hand. `make_seeds FOLDER` fills FOLDER/NAME/ for each target NAME; the seeds are kept in
 * fuzz/corpus, so this runs only when a format or a target's pieces change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fake_kdump.h"
#include "fake_lists.h"
#include "fake_stack.h"
#include "fake_tables.h"
#include "fake_waits.h"

static const char *folder;

static void check(struct ey_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "make_seeds: %s\n", err->message);
	exit(3);
}

// Write and empty the buffer.
static void save(const char *target, const char *name, struct ey_buf *seed)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	check(ey_mkdir_parents(path, 0755));
	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	check(ey_file_write_whole(path, 0644, ey_buf_str(seed), seed->len));
	ey_buf_deinit(seed);
}

static void add_piece(struct ey_buf *seed, const void *data, size_t len)
{
	uint16_t n = (uint16_t)len;

	ey_buf_add(seed, &n, sizeof(n));
	ey_buf_add(seed, data, len);
}

// A kernel with a log and symbols; small, so that a mutation hits something.
static struct fake_dump small_kernel(bool with_tables)
{
	static const struct fake_symbol symbols[] = {{FAKE_IMAGE + 0x2000, "Dprb"},
						     {FAKE_IMAGE + 0x3000, "Tschedule"},
						     {FAKE_IMAGE + 0x4000, "Dinit_task"}};
	struct fake_kallsyms k;
	struct fake_ring r;
	struct fake_dump f;

	fake_dump_init(&f, 4);
	fake_ring_init(&r, 2, 7);
	fake_ring_add(&r, 1000000, "Linux version 6.1.0", 2);
	fake_ring_add(&r, 2000000000, "Kernel panic - not syncing: fake", 2);
	fake_ring_put(&r, &f);
	if (with_tables) {
		fake_kallsyms_make(&k, symbols, EY_ARRAY_SIZE(symbols), FAKE_IMAGE, true);
		fake_kallsyms_put(&k, &f);
	}
	return f;
}

static void dumps(void)
{
	static const struct {
		const char *name;
		enum fake_compression how;
	} kdumps[] = {{"kdump-raw", FAKE_RAW},
		      {"kdump-zlib", FAKE_ZLIB},
		      {"kdump-lzo", FAKE_LZO},
		      {"kdump-snappy", FAKE_SNAPPY},
		      {"kdump-zstd", FAKE_ZSTD}};
	struct ey_buf file = EY_BUF_INIT;
	struct fake_dump f = small_kernel(false);

	fake_dump_write_elf(&f, &file);
	save("dump", "elf", &file);
	for (size_t i = 0; i < EY_ARRAY_SIZE(kdumps); i++) {
		struct fake_kdump o = {.compression = kdumps[i].how, .dump_level = 31};

		if (kdumps[i].how != FAKE_RAW) {
			fake_kdump_write(&f, &o, &file);
			save("dump", kdumps[i].name, &file);
		}
	}
	struct fake_kdump split = {.compression = FAKE_ZLIB, .split = true, .end_pfn = 5};
	fake_kdump_write(&f, &split, &file);
	save("dump", "kdump-split", &file);
	_cleanup_buf_ struct ey_buf parts = EY_BUF_INIT;
	for (uint64_t at = 0; at < 3; at++) {
		struct fake_kdump part = {.compression = FAKE_ZSTD, .split = true};
		_cleanup_buf_ struct ey_buf one = EY_BUF_INIT;

		part.start_pfn = at * 4;
		part.end_pfn = at < 2 ? at * 4 + 4 : 1000;
		fake_kdump_write(&f, &part, &one);
		add_piece(&parts, one.data, one.len);
		if (at == 1)
			ey_buf_add(&file, parts.data, parts.len);
	}
	save("split", "two-of-three", &file);
	save("split", "three", &parts);
	struct fake_kdump cut = {.compression = FAKE_ZLIB, .status = 8};
	fake_kdump_write(&f, &cut, &file);
	file.len -= 100;
	save("dump", "kdump-incomplete", &file);
	_cleanup_buf_ struct ey_buf plain = EY_BUF_INIT;
	struct fake_kdump flat = {.compression = FAKE_LZO};
	fake_kdump_write(&f, &flat, &plain);
	fake_flatten(&plain, 5000, true, &file);
	save("dump", "kdump-flattened", &file);
	fake_dump_deinit(&f);
	f = small_kernel(true);
	fake_dump_write_elf(&f, &file);
	save("dump", "elf-symbols", &file);
	// A guest's without VMCOREINFO in the notes: it stands in a page of its memory.
	fake_dump_symbol(&f, "init_uts_ns", FAKE_IMAGE + 0x6000);
	ey_buf_adds(&f.info, "OFFSET(uts_namespace.name)=4\n");
	fake_dump_put(&f, FAKE_IMAGE + 0x6000 + 4 + 130, "6.1.0-fake", 11);
	struct ey_buf info = f.info;
	f.info = (struct ey_buf)EY_BUF_INIT;
	memcpy(fake_dump_frame(&f, fake_dump_new_frame(&f)), ey_buf_str(&info),
	       EY_MIN(info.len, (size_t)FAKE_PAGE - 1));
	fake_dump_write_elf(&f, &file);
	save("dump", "elf-no-vmcoreinfo", &file);
	ey_buf_deinit(&f.info);
	f.info = info;
	fake_dump_notes(&f, &file);
	save("notes", "vmcoreinfo", &file);
	struct cpu_regs regs = {.ip = FAKE_TEXT};
	uint8_t status[336] = {0};
	memcpy(status + 112, &regs, sizeof(regs));
	fake_note(&file, "CORE", 1, status, sizeof(status));
	fake_note(&file, "QEMU", 0, "odd", 3);
	fake_note(&file, "", 0, "", 0);
	save("notes", "prstatus", &file);
	ey_buf_add(&file, f.info.data, f.info.len);
	save("vmcoreinfo", "printk", &file);
	ey_buf_adds(&file,
		    "NUMBER(phys_base)=-5\nOFFSET(list_head.next)=0x\nSIZE(page)=64\n=\npage=1");
	save("vmcoreinfo", "edges", &file);
	fake_dump_deinit(&f);
}

static void kallsyms(void)
{
	static const struct fake_symbol symbols[] = {
		{0x10, "Afixed"},
		{FAKE_IMAGE, "T_stext"},
		{FAKE_IMAGE + 0x10, "Tschedule"},
		{FAKE_IMAGE + 0x10, "talias"},
		{FAKE_IMAGE + 0x400, "Dinit_task"},
		{FAKE_IMAGE + 0x500,
		 "txxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		 "x"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
	};

	for (int absolute = 0; absolute < 2; absolute++) {
		struct ey_buf seed = EY_BUF_INIT;
		struct fake_kallsyms k;
		uint8_t numbers[12];

		fake_kallsyms_make(&k, symbols, EY_ARRAY_SIZE(symbols), FAKE_IMAGE, absolute);
		memcpy(numbers, &k.count, 4);
		memcpy(numbers + 4, &k.relative_base, 8);
		add_piece(&seed, numbers, sizeof(numbers));
		add_piece(&seed, k.token_index.data, k.token_index.len);
		add_piece(&seed, k.token_table.data, k.token_table.len);
		add_piece(&seed, k.offsets.data, k.offsets.len);
		add_piece(&seed, k.names.data, k.names.len);
		save("kallsyms", absolute ? "absolute-percpu" : "plain", &seed);
		ey_buf_deinit(&k.token_index);
		ey_buf_deinit(&k.token_table);
		ey_buf_deinit(&k.offsets);
		ey_buf_deinit(&k.names);
	}
}

static void btf(void)
{
	struct ey_buf seed = EY_BUF_INIT;
	struct fake_btf b;

	fake_btf_init(&b);
	uint32_t number = fake_btf_int(&b, "int", 4);
	uint32_t pointer = fake_btf_type(&b, BTF_PTR, NULL, 0, 0);
	const struct fake_member links[] = {{"next", pointer, 0, 0}, {"prev", pointer, 64, 0}};
	uint32_t list = fake_btf_struct(&b, BTF_STRUCT, "list_head", 16, links, 2);
	const struct fake_member inner[] = {{"sp", pointer, 0, 0}, {"flag", number, 64, 3}};
	uint32_t thread = fake_btf_struct(&b, BTF_STRUCT, NULL, 16, inner, 2);
	uint32_t alias = fake_btf_type(&b, BTF_TYPEDEF, "thread_t", 0, thread);
	uint32_t fixed = fake_btf_type(&b, BTF_CONST, NULL, 0, alias);
	const struct fake_member task[] = {{"tasks", list, 0, 0},
					   {NULL, thread, 128, 0},
					   {"thread", fixed, 256, 0},
					   {"pid", number, 384, 0}};
	fake_btf_struct(&b, BTF_STRUCT, "task_struct", 64, task, 4);
	const struct fake_member orc[] = {{"sp_reg", number, 32, 4}, {"type", number, 40, 2}};
	fake_btf_struct(&b, BTF_STRUCT, "orc_entry", 6, orc, 2);
	const struct fake_enumerator wide[] = {{"DMI_SYS_VENDOR", 4}, {"DMI_MAX", -1}};
	fake_btf_enum(&b, BTF_ENUM64, "dmi_field", wide, 2);
	const struct fake_enumerator kinds[] = {{"MOD_TEXT", 0}, {"MOD_INIT_TEXT", 4}};
	fake_btf_enum(&b, BTF_ENUM, "mod_mem_type", kinds, 2);
	uint32_t array = fake_btf_array(&b, list, 7);
	const struct fake_member module[] = {{"mem", array, 64, 0}};
	fake_btf_struct(&b, BTF_UNION, "module", 120, module, 1);
	fake_btf_finish(&b, &seed);
	save("btf", "structs", &seed);

	fake_btf_init(&b);
	const struct fake_member itself[] = {{NULL, 2, 0, 0}, {"a", 2, 8, 0}};
	fake_btf_type(&b, BTF_TYPEDEF, "round", 0, 1);
	fake_btf_struct(&b, BTF_STRUCT, "task_struct", 8, itself, 2);
	fake_btf_finish(&b, &seed);
	save("btf", "circles", &seed);
}

static void memory(void)
{
	for (int levels = 4; levels <= 5; levels++) {
		uint64_t addresses[] = {FAKE_LINEAR + 0xffd, FAKE_VMALLOC, FAKE_IMAGE + 8, 0,
					UINT64_MAX - 7};
		struct ey_buf seed = EY_BUF_INIT;
		struct fake_dump f;

		fake_dump_init(&f, levels);
		fake_dump_put(&f, FAKE_LINEAR + 0xffd, "across", 7);
		fake_dump_map(&f, FAKE_VMALLOC, 1, 0, FAKE_PRESENT | FAKE_HUGE);
		fake_dump_put_u64(&f, FAKE_IMAGE, 1);
		add_piece(&seed, addresses, sizeof(addresses));
		const char *lines = levels == 5 ? "NUMBER(pgtable_l5_enabled)=1\n" : "";
		add_piece(&seed, lines, strlen(lines));
		// Tables are mostly zeros; the input's end stands for the last one's.
		for (size_t i = 0; i < f.count; i++)
			ey_buf_add(&seed, f.frames[i].bytes, FAKE_PAGE);
		save("memory", levels == 5 ? "five-levels" : "four-levels", &seed);
		fake_dump_deinit(&f);
	}
}

static void printk(void)
{
	struct ey_buf seed = EY_BUF_INIT;
	struct fake_ring r;
	uint8_t numbers[18];

	fake_ring_init(&r, 3, 8);
	for (uint64_t i = 0; i < 12; i++) {
		fake_ring_add(&r, i * 1000000007, i % 3 ? "a line\nand its second" : "x",
			      i == 7 ? 1 : 2);
	}
	numbers[0] = (uint8_t)r.count_bits;
	numbers[1] = (uint8_t)r.size_bits;
	memcpy(numbers + 2, &r.head_id, 8);
	memcpy(numbers + 10, &r.tail_id, 8);
	add_piece(&seed, numbers, sizeof(numbers));
	add_piece(&seed, r.descs, (size_t)FAKE_RING_DESC_SIZE << r.count_bits);
	add_piece(&seed, r.infos, (size_t)FAKE_RING_INFO_SIZE << r.count_bits);
	add_piece(&seed, r.text, (size_t)1 << r.size_bits);
	save("printk", "wrapped", &seed);
	free(r.descs);
	free(r.infos);
	free(r.text);
}

// The memory as one stretch of bytes.
static void save_area(struct fake_dump *f, const char *name, size_t len)
{
	struct ey_buf seed = EY_BUF_INIT;

	for (uint64_t at = 0; at < len; at += FAKE_PAGE)
		ey_buf_add(&seed, fake_dump_frame(f, fake_dump_page(f, FAKE_LISTS + at)),
			   EY_MIN(len - at, (uint64_t)FAKE_PAGE));
	save("lists", name, &seed);
	fake_dump_deinit(f);
}

static void lists(void)
{
	const uint64_t a = FAKE_LISTS_FREE, b = a + 0x100, mm = a + 0x200, signal = a + 0x300;
	const uint64_t module = a + 0x400, symbols = a + 0x500, strings = a + 0x600;

	for (int odd = 0; odd < 2; odd++) {
		struct fake_dump f;

		fake_dump_init(&f, 4);
		fake_task(&f, FAKE_INIT_TASK, 0, "swapper/0");
		fake_task(&f, a, 1, "systemd");
		fake_task(&f, b, 2, "thread");
		fake_link(&f, FAKE_INIT_TASK + TASK_TASKS, a + TASK_TASKS);
		fake_link(&f, a + TASK_TASKS, FAKE_INIT_TASK + TASK_TASKS);
		fake_dump_put_u64(&f, a + TASK_SIGNAL, signal);
		fake_link(&f, signal + SIGNAL_HEAD, a + TASK_THREAD_NODE);
		fake_link(&f, a + TASK_THREAD_NODE, b + TASK_THREAD_NODE);
		fake_link(&f, b + TASK_THREAD_NODE, signal + SIGNAL_HEAD);
		fake_dump_put_u64(&f, a + TASK_MM, mm);
		fake_dump_put_u64(&f, mm + MM_TOTAL_VM, 1000);
		fake_dump_put_u64(&f, mm + MM_RSS, 10);
		fake_dump_put_u64(&f, mm + MM_RSS + COUNTER_COUNT, 20);
		fake_link(&f, FAKE_MODULES, module + MODULE_LIST);
		fake_module(&f, module, "ext4", FAKE_VMALLOC, 0x2000, FAKE_MODULES);
		fake_dump_put_u64(&f, module + MODULE_KALLSYMS, symbols);
		fake_dump_put_u64(&f, symbols + KALLSYMS_SYMTAB, symbols + 0x20);
		fake_dump_put_u32(&f, symbols + KALLSYMS_NUM, 3);
		fake_dump_put_u64(&f, symbols + KALLSYMS_STRTAB, strings);
		fake_dump_put(&f, strings, "\0first\0second", 14);
		for (uint64_t i = 1; i < 3; i++) {
			uint64_t at = symbols + 0x20 + i * 24;

			fake_dump_put_u32(&f, at, i == 1 ? 1 : 7);
			fake_dump_put_u32(&f, at + 4, 0x10002); // a function of section 1
			fake_dump_put_u64(&f, at + 8, FAKE_VMALLOC + i * 0x100);
		}
		fake_dump_put_u64(&f, FAKE_CURRENT, a);
		fake_dump_put_u64(&f, FAKE_IDLE, FAKE_INIT_TASK);
		fake_dump_put(&f, FAKE_UTS + 65, "web-01", 7);
		fake_dump_put_u64(&f, FAKE_TK + TK_XTIME, 1700000000);
		// Its length's lowest bit chooses how resident memory is counted.
		save_area(&f, odd ? "counters-per-cpu" : "counters-per-task",
			  0x2700 + (odd ? 0 : 1));
	}
}

static void unwind(void)
{
	static const struct {
		const char *name;
		const struct fake_orc_layout *layout;
		uint32_t call, regs;
	} cases[] = {{"orc-6.1", &fake_orc_6_1, 0, 1}, {"orc-6.4", &fake_orc_6_4, 2, 3}};
	enum { SP = 5, BP = 4, PREV_SP = 1, PIECE = 0x400 };

	for (size_t i = 0; i < EY_ARRAY_SIZE(cases); i++) {
		struct ey_buf seed = EY_BUF_INIT;
		struct fake_stack s;
		struct cpu_regs regs = {
			.ip = FAKE_FUNCTION(0, 0x10), .sp = FAKE_STACK + 0x100, .cs = 0x10};
		uint8_t ips[5 * 4], entries[5 * 6];

		fake_stack_init(&s);
		s.layout = *cases[i].layout;
		fake_stack_orc(&s, FAKE_FUNCTION(0, 0), 8, 0,
			       (uint32_t[]){SP, 0, cases[i].call, 0, 0});
		fake_stack_orc(&s, FAKE_FUNCTION(1, 0), 24, -16,
			       (uint32_t[]){SP, PREV_SP, cases[i].call, 0, 0});
		fake_stack_orc(&s, FAKE_FUNCTION(2, 0), 0, 0,
			       (uint32_t[]){SP, 0, cases[i].regs, 1, 0});
		fake_stack_orc(&s, FAKE_FUNCTION(3, 0), 16, -16,
			       (uint32_t[]){BP, PREV_SP, cases[i].call, 0, 0});
		fake_stack_orc(&s, FAKE_FUNCTION(4, 0), 0, 0, (uint32_t[]){0, 0, 1, 0, 1});
		fake_stack_word(&s, FAKE_STACK + 0x100, FAKE_FUNCTION(1, 0x20));
		fake_stack_word(&s, FAKE_STACK + 0x110, FAKE_STACK + 0x280);
		fake_stack_word(&s, FAKE_STACK + 0x118, FAKE_FUNCTION(2, 0x20));
		// Saved registers: ip, cs, flags, sp, ss are the last five of 21 words.
		fake_stack_word(&s, FAKE_STACK + 0x120 + 16 * 8, FAKE_FUNCTION(3, 0x20));
		fake_stack_word(&s, FAKE_STACK + 0x120 + 17 * 8, 0x10);
		fake_stack_word(&s, FAKE_STACK + 0x120 + 19 * 8, FAKE_STACK + 0x270);
		fake_stack_word(&s, FAKE_STACK + 0x120 + 4 * 8, FAKE_STACK + 0x280);
		fake_stack_word(&s, FAKE_STACK + 0x288, FAKE_FUNCTION(4, 0x20));
		memcpy(ips, fake_dump_frame(&s.fake, fake_dump_page(&s.fake, FAKE_ORC_IPS)),
		       sizeof(ips));
		memcpy(entries, fake_dump_frame(&s.fake, fake_dump_page(&s.fake, FAKE_ORCS)),
		       sizeof(entries));
		add_piece(&seed, cases[i].layout, sizeof(*cases[i].layout));
		add_piece(&seed, &regs, sizeof(regs));
		add_piece(&seed, ips, sizeof(ips));
		add_piece(&seed, entries, sizeof(entries));
		add_piece(&seed, fake_dump_frame(&s.fake, fake_dump_page(&s.fake, FAKE_STACK)),
			  PIECE);
		add_piece(&seed, "\xe8\0\0\0\0\xff\xd0", 7);
		save("unwind", cases[i].name, &seed);
		fake_dump_deinit(&s.fake);
	}
}

// A CPU that took the dump: where it was is found by what it left on its stack. It came from a
// module, by way of a trampoline of ftrace, through a damaged part.
static void unwind_crash(void)
{
	enum { SP = 5, BP = 4, R10 = 6, R13 = 7, DI = 3, DX = 2, BP_INDIRECT = 8, SP_INDIRECT = 9 };
	enum { CALL = 2, REGS = 3, REGS_PARTIAL = 4, END = 1, FRAME = 0x20, PIECE = 0x400 };
	const uint64_t module = FAKE_TEXT + 0x100000, trampoline = FAKE_VMALLOC + 0x20000;
	const uint64_t returns[] = {FAKE_FUNCTION(FAKE_MACHINE_KEXEC, 0x10),
				    FAKE_FUNCTION(FAKE_CRASH_KEXEC, 0x10),
				    FAKE_FUNCTION(0, 0x20),
				    module + 0x20,
				    trampoline + 0x10,
				    FAKE_FUNCTION(1, 0x20),
				    0x4141414141414141,
				    FAKE_FUNCTION(2, 0x20),
				    FAKE_FUNCTION(10, 0x20)};
	const uint64_t ops[] = {FAKE_PERCPU + 0x808, 0, 1 << 8, trampoline, 0x100};
	static const uint32_t lookup[] = {0, 3, 9, 20, 22};
	struct ey_buf seed = EY_BUF_INIT;
	struct cpu_regs regs = {.cs = 0x10};
	struct fake_stack s;
	uint8_t ips[24 * 4], entries[24 * 6];

	fake_stack_init(&s);
	s.layout = fake_orc_6_4;
	// Each function has a frame of FRAME bytes; some take the stack from other registers.
	for (uint32_t i = 0; i < FAKE_FUNCTIONS; i++) {
		static const uint32_t other[] = {R10, R13, DI, DX, BP_INDIRECT, SP_INDIRECT, BP};
		uint32_t from = i >= 3 && i < 10 ? other[i - 3] : SP;

		fake_stack_orc(&s, FAKE_FUNCTION(i, 0), FRAME, -16,
			       (uint32_t[]){from, 0, i == 10 ? END : CALL, i == 9, 0});
	}
	for (uint32_t i = 0; i < 8; i++)
		fake_stack_orc(&s, module + (uint64_t)i * FAKE_FUNCTION_SIZE, FRAME, -16,
			       (uint32_t[]){SP, 1,
					    i == 1   ? REGS
					    : i == 2 ? REGS_PARTIAL
						     : CALL,
					    0, 0});
	for (size_t i = 0; i < EY_ARRAY_SIZE(returns); i++)
		fake_stack_word(&s, FAKE_STACK + 0x100 + i * FRAME - 8, returns[i]);
	memcpy(ips, fake_dump_frame(&s.fake, fake_dump_page(&s.fake, FAKE_ORC_IPS)), sizeof(ips));
	memcpy(entries, fake_dump_frame(&s.fake, fake_dump_page(&s.fake, FAKE_ORCS)),
	       sizeof(entries));
	add_piece(&seed, &s.layout, sizeof(s.layout));
	add_piece(&seed, &regs, sizeof(regs));
	add_piece(&seed, ips, sizeof(ips));
	add_piece(&seed, entries, sizeof(entries));
	add_piece(&seed, fake_dump_frame(&s.fake, fake_dump_page(&s.fake, FAKE_STACK)), PIECE);
	_cleanup_buf_ struct ey_buf text = EY_BUF_INIT;
	while (text.len < FAKE_TEXT_SIZE)
		ey_buf_add(&text, "\xe8\0\0\0\0\xff\xd0\x90", 8);
	add_piece(&seed, text.data, text.len);
	add_piece(&seed, lookup, sizeof(lookup));
	add_piece(&seed, ops, sizeof(ops));
	save("unwind", "crash-6.4", &seed);
	fake_dump_deinit(&s.fake);
}

// What fake_waits.h has places for, taken out of the fake's own memory.
static void add_memory(struct ey_buf *seed, struct fake_dump *f, uint64_t at, size_t len)
{
	uint16_t n = (uint16_t)len;

	ey_buf_add(seed, &n, sizeof(n));
	for (size_t done = 0; done < len; done += FAKE_PAGE)
		ey_buf_add(seed, fake_dump_frame(f, fake_dump_page(f, at + done)),
			   EY_MIN(len - done, (size_t)FAKE_PAGE));
}

static void passes(void)
{
	// mov 0x18(%rdi),%rax; call; je; mov (%rax),%rcx; push; rep stos; idiv; ud2
	static const uint8_t code[] = {0x48, 0x8b, 0x47, 0x18, 0xe8, 0,	   1,	 0,
				       0,    0x74, 0x01, 0x90, 0x48, 0x8b, 0x08, 0x55,
				       0xf3, 0x48, 0xab, 0x48, 0xf7, 0xf9, 0x0f, 0x0b};
	const uint64_t lock = FAKE_WAITS_FREE, cache = FAKE_WAITS_FREE + 0x100;
	const uint64_t caches[] = {FAKE_WAITS_CACHES, cache};
	static const char *const names[] = {"plain", "rt"};

	for (uint64_t rt = 0; rt < 2; rt++) {
		struct ey_buf seed = EY_BUF_INIT;
		uint64_t choice = rt | 5 << 8;
		struct fake_dump f;

		fake_waits_init(&f);
		// T0 waits for a mutex of T1, who waits for T0's rt_mutex.
		uint64_t waiter = FAKE_WAITS_SP(0) + 0x80, rt_waiter = FAKE_WAITS_SP(1) + 0x80;
		const uint64_t nodes[] = {lock + W_MUTEX_LIST, waiter};
		fake_waits_ring(&f, nodes, 2);
		fake_dump_put_u64(&f, waiter + W_WAITER_TASK, FAKE_WAITS_TASK(0));
		fake_dump_put_u64(&f, lock + W_MUTEX_OWNER, FAKE_WAITS_TASK(1) | 1);
		fake_dump_put_u64(&f, FAKE_WAITS_TASK(1) + W_TASK_PI, rt_waiter);
		fake_dump_put_u64(&f, rt_waiter + W_RT_WAITER_TASK, FAKE_WAITS_TASK(1));
		fake_dump_put_u64(&f, rt_waiter + W_RT_WAITER_LOCK, lock + 0x40);
		fake_dump_put_u64(&f, lock + 0x40 + W_RT_OWNER, FAKE_WAITS_TASK(0));
		fake_dump_put_u64(&f, FAKE_WAITS_RQ + W_RQ_CURR, FAKE_WAITS_TASK(2));
		fake_dump_put_u32(&f, FAKE_WAITS_TASK(2) + W_TASK_ON_RQ, 1);
		fake_waits_ring(&f, caches, 2);
		fake_dump_put_u32(&f, cache + W_CACHE_SIZE, 96);
		fake_dump_put_u64(&f, cache + W_CACHE_NODE, cache + 0x80);
		const uint64_t partial[] = {cache + 0x80 + W_CACHE_NODE_PARTIAL,
					    FAKE_WAITS_PAGES + W_SLAB_LIST};
		fake_waits_ring(&f, partial, 2);
		fake_dump_put_u64(&f, FAKE_WAITS_PAGES + W_SLAB_CACHE, cache);
		fake_dump_put_u64(&f, FAKE_WAITS_VMEMMAP, FAKE_WAITS_PAGES);
		fake_dump_put_u32(&f, FAKE_WAITS_NUMBERS + 44, 1);
		add_piece(&seed, &choice, sizeof(choice));
		add_memory(&seed, &f, FAKE_WAITS, FAKE_WAITS_SIZE);
		uint16_t stacks = FAKE_WAITS_TASKS * FAKE_WAITS_STACK_BYTES;
		ey_buf_add(&seed, &stacks, sizeof(stacks));
		for (unsigned int i = 0; i < FAKE_WAITS_TASKS; i++) {
			uint64_t sp = FAKE_WAITS_SP(i);
			const uint8_t *page = fake_dump_frame(&f, fake_dump_page(&f, sp));

			ey_buf_add(&seed, page + sp % FAKE_PAGE, FAKE_WAITS_STACK_BYTES);
		}
		add_piece(&seed, code, sizeof(code));
		save("passes", names[rt], &seed);
		fake_dump_deinit(&f);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_seeds FOLDER\n");
		return 1;
	}
	folder = argv[1];
	dumps();
	kallsyms();
	btf();
	memory();
	printk();
	lists();
	unwind();
	unwind_crash();
	passes();
	return 0;
}
