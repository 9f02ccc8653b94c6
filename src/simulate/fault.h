/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Faults that kernels die of: what kind, where, called by whom, and the keys that Eyrie gives
 * them (docs/signatures.md). The keys stand here by themselves, from the table; that the log made
 * of a fault leads `eyrie oops` to the same ones is what tests/simulate checks.
 */
#ifndef EYRIE_SIMULATE_FAULT_H
#define EYRIE_SIMULATE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/** Kinds that logs can be made of, by their names in docs/signatures.md. */
#define SIM_KINDS(X)                  \
	X(NULL_DEREF, "NULL-DEREF")   \
	X(PAGE_FAULT, "PAGE-FAULT")   \
	X(GPF, "GPF")                 \
	X(BUG, "BUG")                 \
	X(WARNING, "WARNING")         \
	X(SOFT_LOCKUP, "SOFT-LOCKUP") \
	X(HANG, "HANG")               \
	X(MCE, "MCE")

enum sim_kind {
#define X(id, name) SIM_KIND_##id,
	SIM_KINDS(X)
#undef X
		SIM_KIND_COUNT,
};
const char *sim_kind_name(enum sim_kind kind);
bool sim_kind_parse(const char *name, enum sim_kind *ret);

/** A place in the kernel. */
struct sim_place {
	const char *function;
	/** NULL: the kernel itself. */
	const char *module;
	/** Source file, for BUG and WARNING. */
	const char *file;
	/** Callers from the innermost out, separated by spaces: "function", "function@module",
	 *  "?unreliable", and the marks "<IRQ>", "</IRQ>", "<TASK>", "</TASK>". */
	const char *callers;
	/** Whom a lockup there is blamed on: whom the dispatcher called. */
	const char *dispatched;
};

enum { SIM_KEY_SIZE = 160 };

struct sim_fault {
	enum sim_kind kind;
	/** For MCE: no place, `place.function` is NULL. */
	struct sim_place place;
	/** The group key. */
	char reason[SIM_KEY_SIZE];
	char guilty[SIM_KEY_SIZE];
	char title[SIM_KEY_SIZE];
};

/** How many faults sim_fault_numbered() knows, all with different reasons. */
unsigned int sim_fault_count(void);
/** Fault number @p n (modulo their number) in a fixed order that mixes kinds and rooms. */
void sim_fault_numbered(unsigned int n, struct sim_fault *ret);
/** One of @p kind, number @p n of these. */
void sim_fault_of_kind(enum sim_kind kind, unsigned int n, struct sim_fault *ret);
/** The place whose function is @p name, with @p kind; false: there is none such. */
bool sim_fault_in(enum sim_kind kind, const char *name, struct sim_fault *ret);

/** Size of @p function and offset of the fault in it, bytes: they move with the kernel's build. */
uint32_t sim_function_size(const char *function);
uint32_t sim_function_offset(const char *function, const char *kernel);

enum { SIM_SIGNATURE_SIZE = 160 };
/** Function, offset and exact key of @p fault on @p kernel; what panic() was called by. */
void sim_fault_where(const struct sim_fault *fault, const char *kernel, const char **function_ret,
		     uint32_t *offset_ret, char signature[SIM_SIGNATURE_SIZE]);

#endif
