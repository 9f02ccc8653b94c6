/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/chart.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

enum {
	WIDTH = 720,
	DEFAULT_HEIGHT = 220,
	LEFT = 46,
	RIGHT = 10,
	TOP = 16,
	BOTTOM = 26,
	/** Room that a label below the axis needs. */
	LABEL_WIDTH = 19,
};

/** Where things are drawn. */
struct frame {
	double x0, y0, width, height;
	int64_t step;
	/** Value at the top line. */
	int64_t top;
	/** Width of a place on the x axis. */
	double place;
};

static void escape(struct ey_buf *buf, const char *s)
{
	ey_html_escape(buf, s, strlen(s));
}

int64_t chart_step(int64_t max)
{
	int64_t power = 1;

	for (;;) {
		for (int i = 0; i < 3; i++) {
			int64_t step = power * (int64_t[]){1, 2, 5}[i];

			if (max / step <= 5)
				return step;
		}
		if (power > INT64_MAX / 100)
			return power;
		power *= 10;
	}
}

static void add_number(struct ey_buf *buf, int64_t v)
{
	if (v >= 1000000 && !(v % 100000))
		ey_buf_printf(buf, "%" PRId64 ".%" PRId64 "M", v / 1000000, v % 1000000 / 100000);
	else if (v >= 10000 && !(v % 1000))
		ey_buf_printf(buf, "%" PRId64 "k", v / 1000);
	else if (v >= 1000)
		ey_buf_printf(buf, "%" PRId64 ",%03" PRId64, v / 1000, v % 1000);
	else
		ey_buf_printf(buf, "%" PRId64, v);
}

static int64_t sum_at(const struct chart *c, size_t i)
{
	int64_t sum = 0;

	for (size_t s = 0; s < c->series_count; s++)
		sum += c->series[s].values[i];
	return sum;
}

static struct frame frame_of(const struct chart *c, int64_t max)
{
	unsigned int height = c->height ? c->height : DEFAULT_HEIGHT;
	struct frame f = {
		.x0 = LEFT,
		.y0 = TOP,
		.width = WIDTH - LEFT - RIGHT,
		.height = height - TOP - BOTTOM,
		.step = chart_step(max),
	};

	f.top = max > 0 ? (max + f.step - 1) / f.step * f.step : f.step;
	f.place = c->count ? f.width / (double)c->count : f.width;
	return f;
}

static double y_of(const struct frame *f, int64_t v)
{
	return f->y0 + f->height - f->height * (double)v / (double)f->top;
}

static void begin(struct ey_buf *buf, const struct chart *c)
{
	unsigned int height = c->height ? c->height : DEFAULT_HEIGHT;

	ey_buf_printf(buf,
		      "<svg class=\"chart\" viewBox=\"0 0 %d %u\" role=\"img\" "
		      "aria-labelledby=\"%s-title %s-desc\">\n<title id=\"%s-title\">",
		      WIDTH, height, c->id, c->id, c->id);
	escape(buf, c->title);
	ey_buf_printf(buf, "</title>\n<desc id=\"%s-desc\">", c->id);
	escape(buf, c->description);
	ey_buf_adds(buf, "</desc>\n");
}

static void axes(struct ey_buf *buf, const struct chart *c, const struct frame *f)
{
	// A label every so many places, where there is no room for all.
	size_t every = 1, longest = 1;

	for (size_t i = 0; i < c->count; i++)
		longest = EY_MAX(longest, strlen(c->labels[i]));
	while ((double)every * f->place < EY_MAX((double)LABEL_WIDTH, (double)longest * 6.5))
		every++;
	for (int64_t v = 0; v <= f->top; v += f->step) {
		ey_buf_printf(buf,
			      "<path class=\"%s\" d=\"M%d %.1fH%d\"/>"
			      "<text class=\"y\" x=\"%d\" y=\"%.1f\">",
			      v ? "grid" : "axis", LEFT, y_of(f, v), WIDTH - RIGHT, LEFT - 6,
			      y_of(f, v) + 4);
		add_number(buf, v);
		ey_buf_adds(buf, "</text>\n");
	}
	ey_buf_printf(buf, "<text class=\"unit\" x=\"%d\" y=\"%d\">", LEFT, TOP - 6);
	escape(buf, c->unit);
	ey_buf_adds(buf, "</text>\n");
	for (size_t i = 0; i < c->count; i += every) {
		ey_buf_printf(buf, "<text class=\"x\" x=\"%.1f\" y=\"%.1f\">",
			      f->x0 + ((double)i + 0.5) * f->place, f->y0 + f->height + 16);
		escape(buf, c->labels[i]);
		ey_buf_adds(buf, "</text>\n");
	}
	if (c->unknown_from < c->count) {
		double x = f->x0 + (double)c->unknown_from * f->place;

		ey_buf_printf(buf,
			      "<rect class=\"future\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			      "height=\"%.1f\"><title>not over yet</title></rect>\n",
			      x, f->y0, f->x0 + f->width - x, f->height);
	}
}

// "23 November: 5 crashes (2 new reasons, 3 known reasons)", as a tooltip.
static void tooltip(struct ey_buf *buf, const struct chart *c, size_t i)
{
	ey_buf_adds(buf, "<title>");
	escape(buf, c->long_labels ? c->long_labels[i] : c->labels[i]);
	ey_buf_printf(buf, ": %" PRId64 " ", sum_at(c, i));
	escape(buf, sum_at(c, i) == 1 ? c->unit_one : c->unit);
	for (size_t s = 0; c->series_count > 1 && s < c->series_count; s++) {
		ey_buf_printf(buf, "%s%" PRId64 " ", s ? ", " : " (", c->series[s].values[i]);
		escape(buf, c->series[s].name);
	}
	ey_buf_adds(buf, c->series_count > 1 ? ")</title>" : "</title>");
}

static void value_above(struct ey_buf *buf, double x, double y, int64_t v)
{
	ey_buf_printf(buf, "<text class=\"value\" x=\"%.1f\" y=\"%.1f\">", x, y - 5);
	add_number(buf, v);
	ey_buf_adds(buf, "</text>\n");
}

void chart_columns(struct ey_buf *buf, const struct chart *c)
{
	int64_t max = 0;

	for (size_t i = 0; i < c->count; i++)
		max = EY_MAX(max, sum_at(c, i));
	struct frame f = frame_of(c, max);
	// Columns keep a third of their place as a gap, and do not grow to slabs.
	double width = EY_MIN(f.place * 0.68, 56.0);

	begin(buf, c);
	axes(buf, c, &f);
	for (size_t i = 0; i < c->count; i++) {
		double x = f.x0 + ((double)i + 0.5) * f.place - width / 2;
		int64_t below = 0;

		if (!sum_at(c, i))
			continue;
		ey_buf_adds(buf, "<g>");
		tooltip(buf, c, i);
		for (size_t s = 0; s < c->series_count; s++) {
			int64_t v = c->series[s].values[i];

			if (!v)
				continue;
			double y = y_of(&f, below + v), height = y_of(&f, below) - y;
			ey_buf_printf(buf,
				      "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
				      "height=\"%.1f\"/>",
				      c->series[s].css_class, x, y, width, EY_MAX(height, 1.0));
			below += v;
		}
		ey_buf_adds(buf, "</g>\n");
		if (c->show_values)
			value_above(buf, x + width / 2, y_of(&f, below), below);
	}
	ey_buf_adds(buf, "</svg>\n");
}

void chart_lines(struct ey_buf *buf, const struct chart *c)
{
	int64_t max = 0;

	for (size_t s = 0; s < c->series_count; s++) {
		for (size_t i = 0; i < c->count; i++)
			max = EY_MAX(max, c->series[s].values[i]);
	}
	struct frame f = frame_of(c, max);
	begin(buf, c);
	axes(buf, c, &f);
	for (size_t s = 0; s < c->series_count; s++) {
		const struct chart_series *line = &c->series[s];

		ey_buf_printf(buf, "<path class=\"line %s\" d=\"", line->css_class);
		for (size_t i = 0; i < c->count; i++)
			ey_buf_printf(buf, "%s%.1f %.1f", i ? "L" : "M",
				      f.x0 + ((double)i + 0.5) * f.place,
				      y_of(&f, line->values[i]));
		ey_buf_adds(buf, "\"/>\n");
		for (size_t i = 0; i < c->count; i++) {
			double x = f.x0 + ((double)i + 0.5) * f.place;

			ey_buf_printf(buf,
				      "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\">"
				      "<title>",
				      line->css_class, x, y_of(&f, line->values[i]),
				      i + 1 == c->count ? "4.5" : "3");
			escape(buf, c->long_labels ? c->long_labels[i] : c->labels[i]);
			ey_buf_printf(buf, ": %" PRId64 " ", line->values[i]);
			escape(buf, line->name);
			ey_buf_adds(buf, "</title></circle>\n");
			if (c->show_values && !s)
				value_above(buf, x, y_of(&f, line->values[i]) - 2, line->values[i]);
		}
	}
	ey_buf_adds(buf, "</svg>\n");
}

void chart_table_bar(struct ey_buf *buf, int64_t value, int64_t part_new, int64_t max)
{
	double whole = max > 0 ? 100.0 * (double)value / (double)max : 0;
	double fresh = value > 0 ? whole * (double)part_new / (double)value : 0;

	ey_buf_adds(buf, "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
			 "aria-hidden=\"true\">");
	if (whole - fresh > 0)
		ey_buf_printf(
			buf, "<rect class=\"known\" x=\"0\" y=\"0\" width=\"%.1f\" height=\"10\"/>",
			whole - fresh);
	if (fresh > 0)
		ey_buf_printf(
			buf,
			"<rect class=\"new\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"10\"/>",
			whole - fresh, fresh);
	ey_buf_adds(buf, "</svg>");
}
