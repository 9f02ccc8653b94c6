/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file For this room only. */
#ifndef EYRIE_DB_REGROUP_INTERNAL_H
#define EYRIE_DB_REGROUP_INTERNAL_H

/** "g1:KIND:function" without the version; what has none as it is. */
const char *db_regroup_rest(const char *key);

#endif
