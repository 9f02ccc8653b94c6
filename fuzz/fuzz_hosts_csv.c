/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSV files of hosts: any bytes give rows of plain text or an error that names the line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ingest/hosts_csv.h"

static void check(const char *s)
{
	for (; s && *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			abort();
	}
}

static struct ey_error *take(const struct hosts_csv_row *row, void *arg)
{
	if ((!row->hostname && !row->serial && !row->uuid) ||
	    row->label_count > HOSTS_CSV_MAX_LABELS)
		abort();
	check(row->hostname);
	check(row->serial);
	check(row->uuid);
	check(row->site);
	for (size_t i = 0; i < row->label_count; i++) {
		check(row->labels[i].name);
		check(row->labels[i].value);
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	_cleanup_error_ struct ey_error *err = hosts_csv_read(text, size, take, NULL);
	return 0;
}
