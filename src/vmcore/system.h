/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file What the dump says of the machine and of its last moment. */
#ifndef EYRIE_VMCORE_SYSTEM_H
#define EYRIE_VMCORE_SYSTEM_H

#include "vmcore/kernel.h"

enum { SYSTEM_TEXT_SIZE = 128 };

/** Strings are "" and numbers -1 where the dump does not say. */
struct system_info {
	char hostname[SYSTEM_TEXT_SIZE], release[SYSTEM_TEXT_SIZE], version[SYSTEM_TEXT_SIZE];
	char machine[SYSTEM_TEXT_SIZE];
	int64_t cpus;
	/** What the machine has, as far as the kernel was told. */
	int64_t memory_bytes;
	/** Seconds since 1970. */
	int64_t crash_time;
	/** Since boot, time asleep included. */
	int64_t uptime_seconds;
	bool have_load;
	/** Load averages of 1, 5 and 15 minutes. */
	double load[3];
	/** Letters of the taint flags, "" for none. */
	char taint[33];
	bool have_taint;
	/** From DMI (SMBIOS). */
	char vendor[SYSTEM_TEXT_SIZE], product[SYSTEM_TEXT_SIZE], product_version[SYSTEM_TEXT_SIZE];
	char product_serial[SYSTEM_TEXT_SIZE], product_uuid[SYSTEM_TEXT_SIZE];
	char board_vendor[SYSTEM_TEXT_SIZE], board_name[SYSTEM_TEXT_SIZE];
	char bios_vendor[SYSTEM_TEXT_SIZE], bios_version[SYSTEM_TEXT_SIZE];
	char bios_date[SYSTEM_TEXT_SIZE];
	char cpu_model[SYSTEM_TEXT_SIZE];
	int64_t cpu_mhz;
	int64_t microcode;
	/** As /proc/sys/kernel/random/boot_id shows it; "" where nothing had read it. */
	char boot_id[40];
};

/** Read what there is; what is not becomes a gap or stays empty. */
void system_read(struct kernel *k, struct system_info *ret);

#endif
