/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Scope guards: a variable that frees what it holds when it goes out of scope.
 *
 *	_cleanup_free_ char *name = strdup(s);
 *	...
 *	return_ptr(name);	// hand it to the caller, the guard lets go
 */
#ifndef EYRIE_BASE_CLEANUP_H
#define EYRIE_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/** Call @p fn on the variable's address when it leaves its scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void ey_freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(ey_freep)

static inline void ey_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
/** The variable must hold -1 or an open file descriptor. */
#define _cleanup_close_ _cleanup_(ey_closep)

static inline void ey_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}
#define _cleanup_fclose_ _cleanup_(ey_fclosep)

static inline void ey_closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}
#define _cleanup_closedir_ _cleanup_(ey_closedirp)

/** The value of a guarded pointer, which the guard then no longer owns. */
#define no_cleanup_ptr(p)                \
	({                               \
		__auto_type __ptr = (p); \
		(p) = NULL;              \
		__ptr;                   \
	})
#define return_ptr(p) return no_cleanup_ptr(p)

/** The same for a guarded file descriptor. */
#define no_cleanup_fd(fd)        \
	({                       \
		int __fd = (fd); \
		(fd) = -1;       \
		__fd;            \
	})

#define EY_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define EY_MIN(a, b)                   \
	({                             \
		__auto_type __a = (a); \
		__auto_type __b = (b); \
		__a < __b ? __a : __b; \
	})
#define EY_MAX(a, b)                   \
	({                             \
		__auto_type __a = (a); \
		__auto_type __b = (b); \
		__a > __b ? __a : __b; \
	})

#endif
