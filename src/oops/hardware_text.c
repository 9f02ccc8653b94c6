/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoded hardware error as a title, a part of the group key, JSON. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "oops/hardware.h"

static const char *const sources[] = {
#define X(id, name) [OOPS_HW_##id] = name,
	OOPS_HW_SOURCES(X)
#undef X
};

const char *oops_hardware_severity_name(enum oops_hw_severity severity)
{
	static const char *const names[] = {
		[OOPS_HW_UNKNOWN] = "unknown",	 [OOPS_HW_CORRECTED] = "corrected",
		[OOPS_HW_DEFERRED] = "deferred", [OOPS_HW_UNCORRECTED] = "uncorrected",
		[OOPS_HW_FATAL] = "fatal",
	};

	return (size_t)severity < EY_ARRAY_SIZE(names) ? names[severity] : names[OOPS_HW_UNKNOWN];
}

void oops_hardware_finish(struct oops_hardware *hw)
{
	if (hw->source == OOPS_HW_MCE)
		oops_mca_decode(hw);
}

void oops_hardware_title(const struct oops_hardware *hw, char *buf, size_t size)
{
	static const char *const names[] = {
		[OOPS_HW_NONE] = "",
		[OOPS_HW_MCE] = "machine check",
		[OOPS_HW_EDAC] = "memory error",
		[OOPS_HW_AER] = "",
		[OOPS_HW_GHES] = "",
		[OOPS_HW_NMI] = "NMI",
		[OOPS_HW_THERMAL] = "",
		[OOPS_HW_WATCHDOG] = "watchdog",
		[OOPS_HW_MEMORY] = "memory error",
	};
	char name[64];
	const char *severity = hw->severity == OOPS_HW_UNKNOWN || hw->source == OOPS_HW_NMI ||
					       hw->source == OOPS_HW_THERMAL
				       ? ""
				       : oops_hardware_severity_name(hw->severity);
	const char *detail = hw->detail;

	snprintf(name, sizeof(name), "%s", names[hw->source]);
	// The class of these is its best name: "PCIe transaction layer error".
	if (hw->source == OOPS_HW_AER || hw->source == OOPS_HW_GHES)
		snprintf(name, sizeof(name), "%s error", hw->error_class);
	else if (!*detail)
		detail = hw->error_class;
	size_t n =
		(size_t)snprintf(buf, size, "%s%s%s%s%s", severity, *severity && *name ? " " : "",
				 name, *name && *detail ? ": " : "", detail);
	if (n < size && hw->unit[0])
		n += (size_t)snprintf(buf + n, size - n, ", %s", hw->unit);
	if (n < size && hw->bank >= 0)
		n += (size_t)snprintf(buf + n, size - n, ", bank %d", hw->bank);
	if (n < size && hw->dimm[0])
		n += (size_t)snprintf(buf + n, size - n, ", %s", hw->dimm);
	else if (n < size && hw->device[0])
		snprintf(buf + n, size - n, ", %s", hw->device);
}

static void add_slug(struct ey_buf *buf, const char *s)
{
	bool gap = false;

	for (; *s; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s | 0x20) : *s;

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ':') {
			if (gap && buf->len)
				ey_buf_addc(buf, '-');
			ey_buf_addc(buf, c);
			gap = false;
		} else {
			gap = true;
		}
	}
}

void oops_hardware_key(const struct oops_hardware *hw, char *buf, size_t size)
{
	_cleanup_buf_ struct ey_buf key = EY_BUF_INIT;

	add_slug(&key, hw->error_class);
	// Of caches and of TLBs the level tells which part it is.
	if (hw->source == OOPS_HW_MCE && hw->detail[0] == 'L' &&
	    (!strcmp(hw->error_class, "cache hierarchy") || !strcmp(hw->error_class, "TLB")))
		ey_buf_printf(&key, "-%.2s", hw->detail);
	if (hw->source == OOPS_HW_MCE && hw->unit[0] && strcmp(hw->unit, hw->error_class) != 0) {
		ey_buf_addc(&key, ':');
		size_t at = key.len;
		add_slug(&key, hw->unit);
		if (key.len == at)
			key.len--;
	}
	// Which device model, and which of its errors.
	if (hw->source == OOPS_HW_AER || hw->source == OOPS_HW_GHES) {
		if (hw->device_id[0])
			ey_buf_printf(&key, ":%s", hw->device_id);
		if (hw->detail[0]) {
			ey_buf_addc(&key, ':');
			add_slug(&key, hw->detail);
		}
	}
	snprintf(buf, size, "%s", ey_buf_str(&key));
}

static void kv_word(struct ey_json *json, const char *key, bool have, uint64_t v)
{
	if (have)
		ey_json_kv_address(json, key, v);
}

static void kv_text(struct ey_json *json, const char *key, const char *s)
{
	if (*s)
		ey_json_kv_string(json, key, s);
}

static void kv_number(struct ey_json *json, const char *key, int v)
{
	if (v >= 0)
		ey_json_kv_int(json, key, v);
}

static void write_lines(const struct oops_hardware *hw, struct ey_json *json)
{
	static const char *const names[] = {
		[OOPS_HW_LINE_STATUS] = "status",	[OOPS_HW_LINE_ADDRESS] = "address",
		[OOPS_HW_LINE_PROCESSOR] = "processor", [OOPS_HW_LINE_DEVICE] = "device",
		[OOPS_HW_LINE_DIMM] = "dimm",
	};

	ey_json_key(json, "lines");
	ey_json_object_begin(json);
	for (size_t i = 0; i < OOPS_HW_LINE_COUNT; i++) {
		if (hw->lines[i])
			ey_json_kv_uint(json, names[i], hw->lines[i]);
	}
	ey_json_object_end(json);
}

void oops_hardware_write(const struct oops_hardware *hw, struct ey_json *json)
{
	static const char *const vendors[] = {"Intel", "Cyrix", "AMD", "UMC"};
	const char *flags[20];
	size_t count = oops_mca_flags(hw, flags, EY_ARRAY_SIZE(flags));

	ey_json_object_begin(json);
	ey_json_kv_string(json, "source", sources[hw->source]);
	ey_json_kv_string(json, "severity", oops_hardware_severity_name(hw->severity));
	ey_json_kv_bool(json, "corrected", hw->severity == OOPS_HW_CORRECTED);
	kv_text(json, "class", hw->error_class);
	kv_text(json, "detail", hw->detail);
	kv_text(json, "unit", hw->unit);
	kv_number(json, "cpu", hw->cpu);
	kv_number(json, "socket", hw->socket);
	kv_number(json, "bank", hw->bank);
	kv_word(json, "status", hw->have_status, hw->status);
	if (hw->have_status && hw->source == OOPS_HW_MCE) {
		ey_json_key(json, "flags");
		ey_json_array_begin(json);
		for (size_t i = 0; i < count; i++)
			ey_json_string(json, flags[i]);
		ey_json_array_end(json);
	}
	kv_word(json, "mcg_status", hw->have_mcg_status, hw->mcg_status);
	kv_word(json, "address", hw->have_address, hw->address);
	kv_word(json, "misc", hw->have_misc, hw->misc);
	kv_word(json, "syndrome", hw->have_syndrome, hw->syndrome);
	kv_word(json, "ipid", hw->have_ipid, hw->ipid);
	if (hw->vendor >= 0 && (size_t)hw->vendor < EY_ARRAY_SIZE(vendors))
		ey_json_kv_string(json, "vendor", vendors[hw->vendor]);
	kv_text(json, "cpuid", hw->cpuid);
	kv_text(json, "microcode", hw->microcode);
	kv_number(json, "nmi_reason", hw->nmi_reason);
	kv_text(json, "device", hw->device);
	kv_text(json, "device_id", hw->device_id);
	kv_text(json, "dimm", hw->dimm);
	kv_text(json, "location", hw->location);
	kv_text(json, "kernel_says", hw->kernel_says);
	if (hw->count > 1)
		ey_json_kv_uint(json, "records", hw->count);
	write_lines(hw, json);
	ey_json_object_end(json);
}
