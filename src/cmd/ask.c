/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/ask.h"

#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/config.h"
#include "base/text.h"
#include "client/client.h"
#include "cmd/client_open.h"
#include "cmd/command.h"

enum { PARAMS_MAX = 48, ARGUMENTS_MAX = 2, RECONNECT_SECONDS = 3 };

/** What the command line says. */
struct ask {
	const struct ask_noun *noun;
	const struct ask_verb *verb;
	const char *center, *token_file, *ca_file, *config, *who, *limit;
	bool json, all, help;
	const char *arguments[ARGUMENTS_MAX];
	size_t argument_count;
	/** Options that go to the API: its names. */
	struct {
		char name[32];
		const char *value;
	} params[PARAMS_MAX];
	size_t param_count;
	struct client *client;
};

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; p && (p = strstr(p, word)); p += len) {
		if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	}
	return false;
}

static struct ey_error *add_param(struct ask *ask, const char *name, const char *value)
{
	size_t i = 0;

	if (ask->param_count == PARAMS_MAX || strlen(name) >= sizeof(ask->params[0].name))
		return ey_error_create(EY_ERR_USAGE, "too many options");
	for (; name[i]; i++)
		ask->params[ask->param_count].name[i] = name[i] == '-' ? '_' : name[i];
	ask->params[ask->param_count].name[i] = '\0';
	ask->params[ask->param_count++].value = value;
	return NULL;
}

// One option; *i stands at it and moves on to its value.
static struct ey_error *read_option(struct ask *ask, int argc, char **argv, int *i)
{
	const struct {
		const char *name;
		const char **value;
	} own[] = {{"center", &ask->center},   {"token-file", &ask->token_file},
		   {"ca-file", &ask->ca_file}, {"config", &ask->config},
		   {"who", &ask->who},	       {"limit", &ask->limit}};
	const struct {
		const char *name;
		bool *value;
	} flags[] = {{"json", &ask->json}, {"all", &ask->all}, {"help", &ask->help}};
	char name[32], underscored[32];
	const char *option = argv[*i] + 2, *equals = strchr(option, '=');
	size_t len = equals ? (size_t)(equals - option) : strlen(option);

	if (len >= sizeof(name))
		return ey_error_create(EY_ERR_USAGE, "there is no option %s", argv[*i]);
	memcpy(name, option, len);
	name[len] = '\0';
	for (size_t k = 0; k < EY_ARRAY_SIZE(flags); k++) {
		if (!strcmp(name, flags[k].name) && !equals) {
			*flags[k].value = true;
			return NULL;
		}
	}
	for (size_t k = 0; k <= len; k++)
		underscored[k] = name[k] == '-' ? '_' : name[k];
	size_t k = 0;
	while (k < EY_ARRAY_SIZE(own) && strcmp(own[k].name, name) != 0)
		k++;
	bool known = k < EY_ARRAY_SIZE(own);
	if (!known && !(ask->verb && has_word(ask->verb->options, underscored)))
		return ey_error_create(EY_ERR_USAGE, "there is no option --%s here", name);
	if (!equals && *i + 1 >= argc)
		return ey_error_create(EY_ERR_USAGE, "option --%s needs a value", name);
	const char *value = equals ? equals + 1 : argv[++*i];
	if (!known)
		return add_param(ask, name, value);
	*own[k].value = value;
	return NULL;
}

static struct ey_error *read_arguments(struct ask *ask, int argc, char **argv)
{
	int i = 1;

	for (const struct ask_verb *v = ask->noun->verbs; v->name; v++) {
		if (!v->name[0] || (argc > 1 && !strcmp(v->name, argv[1]))) {
			ask->verb = v;
			i += v->name[0] != '\0';
			break;
		}
	}
	if (!ask->verb && argc > 1 && strcmp(argv[1], "--help") != 0)
		return ey_error_create(EY_ERR_USAGE, "there is no \"eyrie %s %s\"", ask->noun->name,
				       argv[1]);
	bool only = false;
	for (; i < argc; i++) {
		struct ey_error *err = NULL;

		if (!only && !strcmp(argv[i], "--")) {
			only = true;
		} else if (!only && !strncmp(argv[i], "--", 2)) {
			err = read_option(ask, argc, argv, &i);
		} else if (ask->argument_count == ARGUMENTS_MAX) {
			err = ey_error_create(EY_ERR_USAGE, "too many arguments");
		} else {
			ask->arguments[ask->argument_count++] = argv[i];
		}
		if (err)
			return err;
	}
	if (ask->help)
		return NULL;
	if (!ask->verb)
		return ey_error_create(EY_ERR_USAGE, "say what is to be done");
	size_t wanted = (strstr(ask->verb->path, "%s") != NULL) + (ask->verb->argument != NULL);
	if (ask->argument_count != wanted)
		return ey_error_create(EY_ERR_USAGE, "\"eyrie %s %s\" takes %zu argument%s",
				       ask->noun->name, ask->verb->name, wanted,
				       wanted == 1 ? "" : "s");
	return NULL;
}

static void add_path(struct ey_buf *target, const struct ask *ask)
{
	const char *id = strstr(ask->verb->path, "%s");

	if (!id) {
		ey_buf_adds(target, ask->verb->path);
		return;
	}
	ey_buf_add(target, ask->verb->path, (size_t)(id - ask->verb->path));
	client_add_escaped(target, ask->arguments[0]);
	ey_buf_adds(target, id + strlen("%s"));
}

static void make_target(struct ey_buf *target, const struct ask *ask, const char *cursor)
{
	add_path(target, ask);
	for (size_t i = 0; i < ask->param_count; i++)
		client_add_query(target, ask->params[i].name, ask->params[i].value);
	if (ask->verb->kind != ASK_LIST)
		return;
	if (ask->limit || ask->all)
		client_add_query(target, "limit", ask->limit ? ask->limit : "1000");
	if (cursor)
		client_add_query(target, "cursor", cursor);
}

// The answer as it is, and read.
static struct ey_error *call(const struct ask *ask, const char *method, const char *target,
			     const char *body, struct client_answer *answer, json_t **ret)
{
	const struct client_body data = {.data = body, .len = body ? strlen(body) : 0};
	const struct client_request request = {
		.method = method,
		.target = target,
		.content_type = body ? "application/json" : NULL,
		.body = body ? &data : NULL,
	};
	struct ey_error *err = client_call(ask->client, &request, answer);

	return err || !ret ? err : client_answer_json(ask->client, answer, ret);
}

static struct ey_error *written(void)
{
	return fflush(stdout) == EOF || ferror(stdout)
		       ? ey_error_create(EY_ERR_IO, "cannot write the output")
		       : NULL;
}

static void print_raw(const struct client_answer *answer)
{
	fwrite(answer->body.data, 1, answer->body.len, stdout);
	fputc('\n', stdout);
}

static struct ey_error *run_list(const struct ask *ask)
{
	_cleanup_(json_decrefp) json_t *rows = json_array();
	_cleanup_free_ char *cursor = NULL;
	bool complete = true;

	do {
		_cleanup_buf_ struct ey_buf target = EY_BUF_INIT;
		_cleanup_client_answer_ struct client_answer answer = {0};
		_cleanup_(json_decrefp) json_t *page = NULL;

		make_target(&target, ask, cursor);
		struct ey_error *err = call(ask, "GET", ey_buf_str(&target), NULL, &answer, &page);
		if (err)
			return err;
		if (ask->json)
			print_raw(&answer);
		else
			json_array_extend(rows, json_object_get(page, ask->verb->key));
		const char *next = json_string_value(json_object_get(page, "next"));
		complete = !json_is_false(json_object_get(page, "complete"));
		free(cursor);
		cursor = next ? strdup(next) : NULL;
	} while (ask->all && cursor);
	if (!ask->json)
		ask_print_table(stdout, rows, ask->verb->columns, ask_width(stdout));
	struct ey_error *err = written();
	if (!err && cursor && !ask->json)
		fprintf(stderr, "eyrie: %s; --all goes on\n",
			complete ? "there are more"
				 : "the search stopped where it would have taken long");
	return err;
}

static struct ey_error *run_show(const struct ask *ask)
{
	_cleanup_buf_ struct ey_buf target = EY_BUF_INIT;
	_cleanup_client_answer_ struct client_answer answer = {0};
	_cleanup_(json_decrefp) json_t *object = NULL;

	make_target(&target, ask, NULL);
	struct ey_error *err = call(ask, "GET", ey_buf_str(&target), NULL, &answer,
				    ask->verb->kind == ASK_SHOW ? &object : NULL);
	if (err)
		return err;
	if (ask->verb->kind == ASK_TEXT) {
		// Straight into a terminal it could obey what a hostile machine wrote.
		_cleanup_buf_ struct ey_buf clean = EY_BUF_INIT;

		if (isatty(STDOUT_FILENO)) {
			ey_text_clean(&clean, answer.body.data, answer.body.len);
			fwrite(clean.data, 1, clean.len, stdout);
		} else {
			fwrite(answer.body.data, 1, answer.body.len, stdout);
		}
	} else if (ask->json) {
		print_raw(&answer);
	} else {
		ask_print_object(stdout, object, ask_width(stdout));
	}
	return written();
}

static const char *login_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw && pw->pw_name[0] ? pw->pw_name : "unknown";
}

static struct ey_error *add_member(json_t *body, const char *name, const char *value)
{
	static const char numbers[] = "version reason add remove";
	json_t *item;
	char *end;

	if (has_word(numbers, name)) {
		errno = 0;
		long long n = strtoll(value, &end, 10);

		if (errno || end == value || *end)
			return ey_error_create(EY_ERR_USAGE, "--%s needs a number", name);
		item = json_integer(n);
	} else {
		item = json_string(value);
	}
	if (!item)
		return ey_error_create(EY_ERR_USAGE, "the value of %s is not UTF-8", name);
	json_object_set_new(body, name, item);
	return NULL;
}

static struct ey_error *run_change(const struct ask *ask)
{
	_cleanup_(json_decrefp) json_t *body = json_object(), *object = NULL;
	_cleanup_buf_ struct ey_buf target = EY_BUF_INIT;
	_cleanup_client_answer_ struct client_answer answer = {0};
	_cleanup_free_ char *text = NULL;
	struct ey_error *err = NULL;

	add_path(&target, ask);
	for (size_t i = 0; !err && i < ask->param_count; i++)
		err = add_member(body, ask->params[i].name, ask->params[i].value);
	if (!err && ask->verb->argument)
		err = add_member(body, ask->verb->argument, ask->arguments[1]);
	if (!err && ask->verb->who)
		err = add_member(body, "who", ask->who ? ask->who : login_name());
	if (err)
		return err;
	text = json_dumps(body, JSON_COMPACT);
	if (!text)
		return &ey_error_nomem;
	err = call(ask, "POST", ey_buf_str(&target), text, &answer, &object);
	if (err)
		return err;
	if (ask->json)
		print_raw(&answer);
	else
		ask_print_object(stdout, object, ask_width(stdout));
	return written();
}

/** The stream of events as it comes, in pieces of any size. */
struct follow {
	const struct ask *ask;
	struct ey_buf line;
	json_int_t last_id;
};

static void print_event(struct follow *f, const char *data)
{
	_cleanup_(json_decrefp) json_t *event = json_loads(data, JSON_REJECT_DUPLICATES, NULL);
	json_int_t id = json_integer_value(json_object_get(event, "id"));

	if (!id) {
		fputs("eyrie: too much was missed; the lists tell it\n", stderr);
		return;
	}
	f->last_id = id;
	if (f->ask->json) {
		puts(data);
		return;
	}
	ask_print_value(stdout, json_object_get(event, "time"));
	fputs("  ", stdout);
	ask_print_value(stdout, json_object_get(event, "kind"));
	fputs("  ", stdout);
	ask_print_value(stdout, json_object_get(event, "subject"));
	fputs("  ", stdout);
	ask_print_value(stdout, json_object_get(event, "text"));
	fputc('\n', stdout);
}

static bool take(const void *data, size_t len, void *arg)
{
	struct follow *f = arg;

	for (const char *p = data; len; p++, len--) {
		if (*p != '\n') {
			// A center's events are short; anything else is none.
			if (f->line.len < 1 << 20)
				ey_buf_addc(&f->line, *p);
			continue;
		}
		if (!strncmp(ey_buf_str(&f->line), "data: ", 6))
			print_event(f, ey_buf_str(&f->line) + 6);
		ey_buf_clear(&f->line);
	}
	return !written();
}

static struct ey_error *run_follow(const struct ask *ask)
{
	struct follow f = {.ask = ask, .last_id = -1};
	bool said = false;

	for (;;) {
		_cleanup_buf_ struct ey_buf target = EY_BUF_INIT;
		_cleanup_client_answer_ struct client_answer answer = {0};
		char id[32];

		snprintf(id, sizeof(id), "%lld", (long long)f.last_id);
		if (f.last_id < 0) {
			make_target(&target, ask, NULL);
		} else {
			ey_buf_adds(&target, ask->verb->path);
			client_add_query(&target, "last_id", id);
		}
		ey_buf_clear(&f.line);
		struct ey_error *err =
			client_call(ask->client,
				    &(struct client_request){.method = "GET",
							     .target = ey_buf_str(&target),
							     .sink = take,
							     .sink_arg = &f,
							     .endless = true},
				    &answer);
		if (ferror(stdout) || (err && err->code != EY_ERR_IO) ||
		    (err && f.last_id < 0 && !answer.status)) {
			ey_buf_deinit(&f.line);
			return err;
		}
		if (err && !said)
			fprintf(stderr, "eyrie: %s; trying again\n", err->message);
		said = err != NULL;
		ey_error_destroy(err);
		sleep(RECONNECT_SECONDS);
	}
}

static struct ey_error *run(struct ask *ask)
{
	const struct client_choice choice = {ask->center, ask->token_file, ask->ca_file};
	_cleanup_(ey_config_deinit) struct ey_config config = {0};
	struct ey_error *err = ey_config_load(&config, ask->config);

	if (!err)
		err = client_open(&choice, &config, &ask->client);
	if (err)
		return err;
	switch (ask->verb->kind) {
	case ASK_LIST:
		err = run_list(ask);
		break;
	case ASK_SHOW:
	case ASK_TEXT:
		err = run_show(ask);
		break;
	case ASK_CHANGE:
		err = run_change(ask);
		break;
	case ASK_FOLLOW:
		err = run_follow(ask);
		break;
	}
	client_destroy(ask->client);
	return err;
}

int cmd_ask(int argc, char **argv)
{
	struct ask ask = {.noun = ask_noun_find(argv[0])};
	struct ey_error *err = read_arguments(&ask, argc, argv);

	setlocale(LC_CTYPE, "C.UTF-8"); // for the widths of characters
	if (!err && ask.help) {
		fputs(ask.noun->help, stdout);
		return 0;
	}
	bool usage = err != NULL;
	if (!err)
		err = run(&ask);
	int code = ey_error_exit_code(err);
	if (err)
		fprintf(stderr, "eyrie %s: %s%s%s%s\n", argv[0], err->message,
			usage ? "; 'eyrie " : "", usage ? argv[0] : "",
			usage ? " --help' tells more" : "");
	ey_error_destroy(err);
	return code;
}
