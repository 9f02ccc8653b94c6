/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Charts as inline SVG. They take their colours from the page's style sheet by class, so that one
 * drawing serves light, dark and paper; each has a title and a description for those who
 * do not see it, and each mark a tooltip.
 */
#ifndef EYRIE_REPORT_CHART_H
#define EYRIE_REPORT_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/** A row of values, one for each place on the x axis. */
struct chart_series {
	/** For the legend and the tooltips: "new reasons". */
	const char *name;
	/** CSS class of its marks: "known", "new". */
	const char *css_class;
	const int64_t *values;
};

struct chart {
	/** Unique in the page; letters, digits and "-". */
	const char *id;
	const char *title;
	/** What a person would say who describes the picture. */
	const char *description;
	/** What the y axis counts: "crashes", and one of it. */
	const char *unit;
	const char *unit_one;
	/** Short texts below the axis, and long ones for the tooltips (NULL: the short ones). */
	const char *const *labels;
	const char *const *long_labels;
	size_t count;
	/** Columns: stacked in this order, the first at the bottom. */
	const struct chart_series *series;
	size_t series_count;
	/** From this place on there is no data yet; @p count: everywhere. */
	size_t unknown_from;
	/** Height of the drawing in its own units (its width is 720); 0: 220. */
	unsigned int height;
	/** Write the value above each column or point. */
	bool show_values;
};

/** Append stacked columns. */
void chart_columns(struct ey_buf *buf, const struct chart *chart);
/** Append lines with points, one a series. */
void chart_lines(struct ey_buf *buf, const struct chart *chart);
/** Append a bar that fills @p value of @p max of its place in a table; hidden from readers. */
void chart_table_bar(struct ey_buf *buf, int64_t value, int64_t part_new, int64_t max);

/**
 * The step between lines of a y axis so that 3 to 6 of them reach @p max: 1, 2 or 5 times a power
 * of ten, never a fraction (only whole things are counted).
 */
int64_t chart_step(int64_t max);

#endif
