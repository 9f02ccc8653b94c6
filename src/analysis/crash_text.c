/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/crash_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/crash_text_internal.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "oops/parser.h"

enum {
	// Longer lines than this only a log has, and it is copied as it is.
	LINE_LOOK_MAX = 4096,
	RECOGNIZE_MAX = 256 << 10,
};

struct span span_trim(struct span s)
{
	while (s.p < s.end && (*s.p == ' ' || *s.p == '\t'))
		s.p++;
	while (s.p < s.end && (s.end[-1] == ' ' || s.end[-1] == '\t' || s.end[-1] == '\r'))
		s.end--;
	return s;
}

bool span_word(struct span *line, struct span *ret)
{
	while (line->p < line->end && (*line->p == ' ' || *line->p == '\t'))
		line->p++;
	ret->p = line->p;
	while (line->p < line->end && *line->p != ' ' && *line->p != '\t' && *line->p != '\r')
		line->p++;
	ret->end = line->p;
	return ret->p < ret->end;
}

bool span_hex(struct span s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = span_len(s);

	if (!n || n > 16)
		return false;
	for (const char *p = s.p; p < s.end; p++) {
		if (!isxdigit((unsigned char)*p))
			return false;
		v = v << 4 | (uint64_t)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
	}
	*ret = v;
	return true;
}

bool span_decimal(struct span s, int64_t *ret)
{
	bool negative = s.p < s.end && *s.p == '-';
	int64_t v = 0;

	s.p += negative;
	if (!span_len(s) || span_len(s) > 18)
		return false;
	for (const char *p = s.p; p < s.end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (*p - '0');
	}
	*ret = negative ? -v : v;
	return true;
}

void span_copy(struct span s, char *buf, size_t size)
{
	size_t n = 0;

	// A byte for a byte: U+FFFD, as JSON's writer has it, would be longer than the field may
	// be.
	while (s.p < s.end && n + 1 < size) {
		unsigned char c = (unsigned char)*s.p;
		size_t len =
			c < 0x80 ? 1 : ey_utf8_sequence((const unsigned char *)s.p, span_len(s));

		if (!len || c < 0x20 || c == 0x7f) {
			buf[n++] = '?';
			s.p++;
			continue;
		}
		if (n + len >= size)
			break;
		memcpy(buf + n, s.p, len);
		n += len;
		s.p += len;
	}
	buf[n] = '\0';
}

struct ey_error *crash_text_gap(struct crash_text *t, const char *what, const char *why, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, why);
	int n = vasprintf(&text, why, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return &ey_error_nomem;
	}
	for (size_t i = 0; i < t->gap_count; i++) {
		if (!strcmp(t->gaps[i].what, what) && !strcmp(t->gaps[i].why, text))
			return NULL;
	}
	if (t->gap_count == CRASH_GAPS_MAX)
		return NULL;
	struct crash_gap *gap = &t->gaps[t->gap_count];
	gap->what = strdup(what);
	if (!gap->what)
		return &ey_error_nomem;
	gap->why = no_cleanup_ptr(text);
	t->gap_count++;
	return NULL;
}

// "[   36.048225] ", "[Mon Nov 23 16:03:13 UTC 2026] " of log -T, "[   36.048225][    T1] ".
static bool is_log_line(struct span line)
{
	static const char days[] = "Sun Mon Tue Wed Thu Fri Sat ";
	const char *p = line.p;

	if (span_len(line) < 8 || *p++ != '[')
		return false;
	if (isupper((unsigned char)*p)) {
		for (size_t i = 0; i < sizeof(days) - 1; i += 4) {
			if (!memcmp(p, days + i, 4))
				return memchr(p, ']', EY_MIN(span_len(line) - 1, (size_t)40)) !=
				       NULL;
		}
		return false;
	}
	while (p < line.end && *p == ' ')
		p++;
	const char *digits = p;
	while (p < line.end && isdigit((unsigned char)*p))
		p++;
	if (p == digits || p == line.end || *p++ != '.')
		return false;
	for (digits = p; p < line.end && isdigit((unsigned char)*p);)
		p++;
	return p > digits && p < line.end && *p == ']';
}

// The first line of what a command prints, by which its output is known without a prompt.
static bool heading_of(struct span line, enum crash_section *ret)
{
	struct span s = span_trim(line), rest = s, word;
	size_t words = 0;

	if (span_begins(s, "PID ") && span_has(s, "PPID") && span_has(s, "TASK") &&
	    span_has(s, "COMM")) {
		*ret = CRASH_SECTION_PS;
		return true;
	}
	if (span_begins(s, "MODULE ") && span_has(s, "NAME") && span_has(s, "SIZE")) {
		*ret = CRASH_SECTION_MOD;
		return true;
	}
	if (span_begins(s, "NAME ") && (span_has(s, "TAINTS") || span_has(s, "TAINT"))) {
		*ret = CRASH_SECTION_MOD_TAINT;
		return true;
	}
	// The tables of mount, files, kmem, dev, ...: words in capitals and nothing else.
	while (span_word(&rest, &word)) {
		for (const char *p = word.p; p < word.end; p++) {
			if (!isupper((unsigned char)*p) && *p != '%' && *p != '_' && *p != '/')
				return false;
		}
		words++;
	}
	*ret = CRASH_SECTION_OTHER;
	return words >= 3;
}

static void begin_section(struct crash_parser *p, enum crash_section section)
{
	p->section = section;
	p->stack = NULL;
	p->stack_skip = false;
	p->in_regs = false;
}

// "crash> bt -a": the command tells what follows, up to the next prompt.
static void take_prompt(struct crash_parser *p, struct span line)
{
	struct span s = span_trim((struct span){line.p + strlen("crash>"), line.end});
	struct span rest = s, name;

	span_copy(s, p->command, sizeof(p->command));
	begin_section(p, CRASH_SECTION_NONE);
	p->prompted = true;
	if (!span_word(&rest, &name))
		return;
	struct span arguments = span_trim(rest);
	if ((span_is(name, "log") || span_is(name, "dmesg")) && !span_begins(arguments, "-a"))
		begin_section(p, CRASH_SECTION_LOG);
	else if (span_is(name, "ps"))
		p->ps_partial = p->ps_partial || span_len(arguments);
	// These print what looks like a list of something else.
	else if (span_is(name, "help") || span_is(name, "search") || span_is(name, "rd") ||
		 span_is(name, "struct") || span_is(name, "union") || span_is(name, "whatis"))
		begin_section(p, CRASH_SECTION_OTHER);
}

// "bt: invalid ...", "WARNING: ...": crash's own words about what it could not do.
static struct ey_error *take_complaint(struct crash_parser *p, struct span line, bool *ret)
{
	static const char *const commands[] = {"bt",	"log", "ps",	"mod",	  "sys",
					       "crash", "set", "dmesg", "foreach"};
	char text[512];

	*ret = true;
	if (span_begins(line, "WARNING: ")) {
		span_copy(span_trim((struct span){line.p + 9, line.end}), text, sizeof(text));
		return crash_text_gap(p->text, "crash", "crash warns: %s", text);
	}
	for (size_t i = 0; i < EY_ARRAY_SIZE(commands); i++) {
		size_t n = strlen(commands[i]);

		if (!span_begins(line, commands[i]) || span_len(line) < n + 3 || line.p[n] != ':' ||
		    line.p[n + 1] != ' ')
			continue;
		span_copy(span_trim((struct span){line.p + n + 2, line.end}), text, sizeof(text));
		return crash_text_gap(p->text, commands[i], "crash says: %s", text);
	}
	*ret = false;
	return NULL;
}

static void take_banner(struct crash_parser *p, struct span line)
{
	struct span version = span_trim((struct span){line.p + 6, line.end});

	if (!p->text->version[0])
		span_copy(version, p->text->version, sizeof(p->text->version));
}

static bool is_banner(struct span line)
{
	return span_begins(line, "crash ") && span_len(line) > 6 && span_len(line) < 40 &&
	       isdigit((unsigned char)line.p[6]) && memchr(line.p, '.', span_len(line));
}

static void take_log_line(struct crash_parser *p, struct span line)
{
	p->known_lines++;
	p->log_seen = true;
	ey_buf_add(&p->text->log, line.p, span_len(line));
	ey_buf_addc(&p->text->log, '\n');
}

// Whether a line that nothing announces belongs to the log that is being read.
static bool continues_log(const struct crash_parser *p, struct span line)
{
	enum crash_section section;

	if (p->prompted)
		return true;
	if (is_log_line(line))
		return true;
	// crash indents the further lines of one message below its time stamp.
	return line.p < line.end && *line.p == ' ' && !heading_of(line, &section) &&
	       !span_begins(span_trim(line), "KERNEL: ");
}

static struct ey_error *take_section_line(struct crash_parser *p, struct span line)
{
	struct ey_error *err;
	bool taken = false;

	switch (p->section) {
	case CRASH_SECTION_BT:
		if ((err = crash_stack_line(p, line, &taken)) || taken)
			return err;
		break;
	case CRASH_SECTION_PS:
		return crash_task_line(p, line);
	case CRASH_SECTION_MOD:
		return crash_module_line(p, line);
	case CRASH_SECTION_MOD_TAINT:
		crash_module_taint_line(p, line);
		return NULL;
	default:
		break;
	}
	return NULL;
}

static struct ey_error *take_line(struct crash_parser *p, struct span line)
{
	struct ey_error *err;
	enum crash_section section;
	bool taken;

	// Progress that crash shows and wipes away: "\rplease wait... (...)\r     \r".
	if (span_begins(line, "\r") || span_begins(line, "please wait... ")) {
		const char *last = memrchr(line.p, '\r', span_len(line));
		if (last)
			line.p = last + 1;
	}
	if (line.p < line.end && line.end[-1] == '\r')
		line.end--;
	if (span_begins(line, "crash>")) {
		p->known_lines++;
		take_prompt(p, line);
		return NULL;
	}
	struct span look = {line.p, line.p + EY_MIN(span_len(line), (size_t)LINE_LOOK_MAX)};
	if ((p->section == CRASH_SECTION_LOG && p->prompted) ||
	    (p->section == CRASH_SECTION_LOG && continues_log(p, look)) ||
	    (!p->prompted && is_log_line(look))) {
		bool complaint = false;

		if (p->prompted && !p->log_seen &&
		    ((err = take_complaint(p, look, &complaint)) || complaint))
			return err;
		if (p->section != CRASH_SECTION_LOG)
			begin_section(p, CRASH_SECTION_LOG);
		take_log_line(p, line);
		return NULL;
	}
	if (p->section == CRASH_SECTION_OTHER && p->prompted)
		return NULL;
	// The heading of a section of Eyrie's own analysis.txt.
	if (span_begins(look, "---- ") && span_len(look) > 10 &&
	    !memcmp(look.end - 5, " ----", 5)) {
		begin_section(p, CRASH_SECTION_NONE);
		p->prompted = false;
		return NULL;
	}
	if (is_banner(look)) {
		p->known_lines++;
		take_banner(p, look);
		return NULL;
	}
	if (crash_is_stack_header(look)) {
		p->known_lines++;
		if (p->section != CRASH_SECTION_BT)
			begin_section(p, CRASH_SECTION_BT);
		return crash_stack_begin(p, look);
	}
	if ((err = take_complaint(p, look, &taken)) || taken)
		return err;
	if (heading_of(look, &section)) {
		p->known_lines++;
		begin_section(p, section);
		// "BASE"; "TEXT_BASE" of kernels whose modules lie in several pieces (6.4).
		p->mod_has_base = span_has(look, "BASE ");
		return NULL;
	}
	if (crash_sys_line(p, look)) {
		p->known_lines++;
		begin_section(p, CRASH_SECTION_SYS);
		return NULL;
	}
	return take_section_line(p, look);
}

bool crash_text_recognize(const char *text, size_t len)
{
	static const char *const marks[] = {"\ncrash> ", "DUMPFILE: ", "COMMAND: \"",
					    "LOAD AVERAGE: ", "   PID    PPID  CPU "};
	size_t found = 0;

	len = EY_MIN(len, (size_t)RECOGNIZE_MAX);
	for (size_t i = 0; i < EY_ARRAY_SIZE(marks); i++)
		found += memmem(text, len, marks[i], strlen(marks[i])) != NULL;
	return found >= 2 || (found && memmem(text, len, "TASK: ", 6));
}

struct ey_error *crash_text_parse(const char *text, size_t len, struct crash_text *ret)
{
	struct crash_parser p = {.text = ret, .set_pid = -1, .set_cpu = -1};
	struct crash_sys *s = &ret->sys;
	struct ey_error *err = NULL;

	*ret = (struct crash_text){.panic_pid = -1, .panic_cpu = -1};
	s->cpus = s->memory_bytes = s->crash_time = s->uptime_seconds = s->tasks = -1;
	if (len > CRASH_TEXT_MAX)
		return ey_error_create(EY_ERR_INPUT,
				       "the text has %zu bytes, and at most %d are read", len,
				       CRASH_TEXT_MAX);
	for (const char *at = text, *end = text + len; !err && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		err = take_line(&p, (struct span){at, stop});
		at = stop + 1;
	}
	if (!err && !p.known_lines)
		err = ey_error_create(EY_ERR_INPUT, "it is no output of the crash utility");
	if (!err)
		err = ey_buf_error(&ret->log);
	if (!err)
		err = crash_text_conclude(&p);
	if (err)
		crash_text_deinit(ret);
	return err;
}

static void stack_deinit(struct crash_stack *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->frames[i].function);
		free(s->frames[i].module);
		free(s->frames[i].regs);
	}
	free(s->frames);
}

void crash_text_deinit(struct crash_text *t)
{
	for (size_t i = 0; i < t->stack_count; i++)
		stack_deinit(&t->stacks[i]);
	free(t->stacks);
	free(t->tasks);
	free(t->modules);
	ey_buf_deinit(&t->log);
	oops_events_free(t->events, t->event_count);
	for (size_t i = 0; i < t->gap_count; i++) {
		free(t->gaps[i].what);
		free(t->gaps[i].why);
	}
	*t = (struct crash_text){0};
}
