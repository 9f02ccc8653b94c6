/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file A flag of rows that a filter may ask for. */
#ifndef EYRIE_DB_FLAG_H
#define EYRIE_DB_FLAG_H

enum db_flag {
	DB_FLAG_ANY,
	DB_FLAG_YES,
	DB_FLAG_NO,
};

#endif
