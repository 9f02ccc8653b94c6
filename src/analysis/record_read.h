/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Read a record.json (schema eyrie/crash/1, docs/record.schema.json) that anyone may have written.
 *
 * Only what tables, mails and decisions need is taken out; a caller that must keep keys it does
 * not know keeps the text itself. Bytes of value 0 in strings become U+FFFD, so that every string
 * here is a C string.
 */
#ifndef EYRIE_ANALYSIS_RECORD_READ_H
#define EYRIE_ANALYSIS_RECORD_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "oops/event.h"

#define RECORD_SCHEMA "eyrie/crash/1"
/** What the schemas of other versions begin with. */
#define RECORD_SCHEMA_FAMILY "eyrie/crash/"

/** Limits on what is read; a record beyond them is refused with EY_ERR_INPUT. */
enum {
	RECORD_MAX_BYTES = 64 << 20,
	/** Objects and arrays within each other. The schema itself needs 5. */
	RECORD_MAX_DEPTH = 64,
	/** Values and keys together: 200,000 tasks and their stacks fit. */
	RECORD_MAX_VALUES = 4 << 20,
	RECORD_MAX_FRAMES = 4096,
	RECORD_MAX_GAPS = 1024,
};

/** Who crashed. Each string is NULL where the source did not know it. */
struct record_identity {
	char *hostname;
	/** The install id, as in machine-id(5). */
	char *machine_id;
	/** /proc/sys/kernel/random/boot_id of the boot that crashed. */
	char *boot_id;
	/** The hardware's id, from its DMI tables. */
	char *dmi_uuid;
	char *dmi_serial;
};

struct record_system {
	char *hostname;
	char *release;
	char *version;
	char *machine;
	/** As letters, e.g. "OE"; NULL where unknown, "" where not tainted. */
	char *taint;
	/** 0: unknown. */
	uint64_t cpus;
	uint64_t memory_bytes;
	/** Seconds since 1970, UTC. */
	bool have_crash_time;
	int64_t crash_time;
	bool have_uptime;
	uint64_t uptime_seconds;
	bool have_load;
	double load[3];
};

/** What the machine is, from the dump's DMI strings or the boot's inventory. NULL: unknown. */
struct record_inventory {
	char *vendor;
	char *product;
	char *product_version;
	char *board_vendor;
	char *board_name;
	char *bios_vendor;
	char *bios_version;
	char *bios_date;
	char *microcode;
};

struct record_frame {
	/** NULL: the address is in no known function. */
	char *function;
	/** NULL: the kernel itself. */
	char *module;
	uint64_t offset;
	uint64_t size;
	/** 0: not in the record (a frame from a log). */
	uint64_t address;
	/** Its line of the log, from 1; 0: not said. */
	uint64_t line;
	bool reliable;
};

/** The event of the design; src/oops/event.h says what each part means. */
struct record_event {
	/** One of the kinds of the design, or one that a newer writer knows: letters, digits, '-'.
	 */
	char *kind;
	char *title;
	char *function;
	char *module;
	bool have_offset;
	uint64_t offset;
	uint64_t size;
	char *guilty;
	char *signature;
	/** Never NULL. */
	char *reason;
	/** -1: unknown. */
	int64_t cpu;
	int64_t pid;
	char *comm;
	char *taint;
	char *kernel;
	char *hardware;
	struct record_frame *frames;
	size_t frame_count;
	bool corrupted;
	/** Where it stands in the record's log, lines from 1; 0, 0: not said. */
	uint64_t first_line;
	uint64_t last_line;
	/** The line of the log that each field came from; 0: not said. */
	uint64_t lines[OOPS_FIELD_COUNT];
	/** "hardware", "out-of-tree", and what that rests on; NULL: no hint. */
	char *verdict;
	char *evidence;
};

struct record_task {
	int64_t pid;
	char *comm;
	int64_t cpu;
	uint64_t address;
};

struct record_dump {
	char *format;
	uint64_t bytes;
	bool complete;
};

/** Something that could not be read, and why. Neither string is NULL. */
struct record_gap {
	char *what;
	char *why;
};

struct record {
	/** The schema of another version, as record_read_any() met it; NULL: ours. */
	char *other_schema;
	struct record_identity identity;
	struct record_system system;
	struct record_inventory inventory;
	/** Without an event (the record's is null) the rest of it is zero. */
	bool have_event;
	struct record_event event;
	bool have_panic_task;
	struct record_task panic_task;
	struct record_dump dump;
	/** "native", "crash", ...; NULL: not said. */
	char *engine;
	struct record_gap *gaps;
	size_t gap_count;
	/** The kernel log, a line each; NULL where the record has none. */
	char *log;
	size_t log_len;
	/** Lengths of the lists that are not taken over. */
	struct {
		size_t stacks;
		size_t tasks;
		size_t modules;
	} counts;
};

/**
 * Read @p len bytes of JSON. Numbers out of range, values of the wrong type, strings longer than
 * their field may be and depth or size bombs are EY_ERR_INPUT, with the path of the value in the
 * sentence; missing values and null are "unknown". @p ret is owned by the caller and is zeroed on
 * error; release it with record_deinit().
 */
struct ey_error *record_read(const char *json, size_t len, struct record *ret) EY_MUST_CHECK;
/**
 * The same for a record of any version: of one that is not known here, `other_schema` is set, and
 * where it does not read as ours does, only who crashed is taken out of it, as far as it is there.
 */
struct ey_error *record_read_any(const char *json, size_t len, struct record *ret) EY_MUST_CHECK;
void record_deinit(struct record *record);
#define _cleanup_record_ __attribute__((cleanup(record_deinit)))

/** The host's name: the identity's, else the system's, else NULL. Owned by the record. */
const char *record_hostname(const struct record *record);

/**
 * A stable text that names this crash, the same however often the same dump is read (free()):
 *
 *	boot:MACHINE-ID:BOOT-ID		where both ids are known: a boot ends in one fatal crash
 *	time:HOST:CRASH-TIME:UPTIME:KEY	else; times in seconds, KEY the event's signature
 *	text:HOST:SHA-256		where the crash has no time: over release, log, dump size
 *
 * Ids are lower-case hexadecimal without dashes; what does not look like an id counts as unknown.
 * Parts that are unknown are "-". The times are not rounded: two boots of a machine in a crash
 * loop can lie within any rounding, and each is a crash of its own (docs/adr/0020). Joining one
 * crash that came by several roads is the matching rule's business, not this id's.
 */
struct ey_error *record_crash_id(const struct record *record, char **ret) EY_MUST_CHECK;

#endif
