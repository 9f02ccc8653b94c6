/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Runs a fuzz target without a fuzzer: on every file of its corpus, then on a number of mutations
 * of them, the same ones each time. This is what ./check runs under the sanitizers; libFuzzer
 * (fuzz/run.sh) looks for new inputs, this one keeps the old mistakes from coming back.
 *
 *	replay_NAME [--mutations N] [--seconds S] FILE-OR-FOLDER...
 *
 * The input that ends the program is left in crash-NAME in the current folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

enum { INPUT_LIMIT = 64 << 20, MAX_MUTATED = 1 << 20, SECONDS_AN_INPUT = 20 };

struct input {
	char *name;
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *inputs;
	size_t count;
};

/* What a signal handler and the sanitizers' callback, which get no argument, have to reach. */
static struct {
	/* Where the input goes that ends the program. */
	char saved[256];
	const char *name;
	const uint8_t *data;
	size_t size;
	bool mutated;
} current;

static void put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		_exit(99);
}

/* Only what a signal handler may call. */
static void save_current(void)
{
	if (!current.data)
		return;
	int fd = open(current.saved, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t written = fd < 0 ? -1 : write(fd, current.data, current.size);

	put("replay: ended on ");
	put(current.mutated ? "a mutation of " : "");
	put(current.name);
	put(written == (ssize_t)current.size ? ", saved in " : ", which could not be saved in ");
	put(current.saved);
	put("\n");
	current.data = NULL;
}

static void on_signal(int number)
{
	if (number == SIGALRM)
		put("replay: took too long on one input\n");
	save_current();
	signal(SIGABRT, SIG_DFL);
	signal(number, SIG_DFL);
	if (number == SIGALRM)
		abort();
	raise(number);
}

static void run_one(const struct input *in, const uint8_t *data, size_t size, bool mutated)
{
	// A copy of just this size, so that one byte too far is seen by the sanitizer.
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		fprintf(stderr, "replay: out of memory for %zu bytes\n", size);
		exit(3);
	}
	if (size)
		memcpy(copy, data, size);
	current.name = in->name;
	current.data = copy;
	current.size = size;
	current.mutated = mutated;
	alarm(SECONDS_AN_INPUT);
	LLVMFuzzerTestOneInput(copy, size);
	alarm(0);
	current.data = NULL;
	free(copy);
}

static void add_file(struct corpus *c, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_size > INPUT_LIMIT) {
		fprintf(stderr, "replay: cannot read %s (or it is over 64 MiB)\n", path);
		exit(3);
	}
	struct input in = {strdup(path), malloc((size_t)st.st_size + 1), (size_t)st.st_size};
	struct input *inputs = reallocarray(c->inputs, c->count + 1, sizeof(*inputs));
	size_t have = 0;

	if (!in.name || !in.data || !inputs) {
		fprintf(stderr, "replay: out of memory\n");
		exit(3);
	}
	while (have < in.size) {
		ssize_t n = read(fd, in.data + have, in.size - have);

		if (n <= 0) {
			fprintf(stderr, "replay: cannot read %s\n", path);
			exit(3);
		}
		have += (size_t)n;
	}
	c->inputs = inputs;
	c->inputs[c->count++] = in;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct input *)a)->name, ((const struct input *)b)->name);
}

static void add_path(struct corpus *c, const char *path)
{
	_cleanup_closedir_ DIR *d = opendir(path);

	if (!d) {
		add_file(c, path);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		char file[4096];

		if (e->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, e->d_name) < (int)sizeof(file))
			add_file(c, file);
	}
}

/* xorshift64*: small, and the same everywhere, which rand() is not. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static uint64_t below(uint64_t *state, uint64_t limit)
{
	return limit ? next(state) % limit : 0;
}

/* Change @p size bytes at @p data, which has room for MAX_MUTATED + 64; returns the new size. */
static size_t mutate(uint64_t *state, const struct corpus *c, uint8_t *data, size_t size)
{
	static const uint64_t edges[] = {0,	 1,	     0x7f,	 0x80,	     0xff,
					 0x7fff, 0xffff,     0x7fffffff, 0x80000000, 0xffffffff,
					 ~0ULL,	 1ULL << 63, ~0ULL >> 1, 0xfff,	     0x1000};
	uint64_t rounds = 1 + below(state, 6);

	for (uint64_t i = 0; i < rounds; i++) {
		size_t at = below(state, size), n = 1 + below(state, 16);

		switch (below(state, 7)) {
		case 0:
			if (size)
				data[at] ^= (uint8_t)(1U << below(state, 8));
			break;
		case 1:
			if (size)
				data[at] = (uint8_t)next(state);
			break;
		case 2: // a number at the edge of its type
			n = (size_t)1 << below(state, 4);
			if (size >= n)
				memcpy(data + below(state, size - n + 1),
				       &edges[below(state, EY_ARRAY_SIZE(edges))], n);
			break;
		case 3: // cut
			size = at;
			break;
		case 4: // take a piece out
			if (at + n <= size) {
				memmove(data + at, data + at + n, size - at - n);
				size -= n;
			}
			break;
		case 5: // double a piece
			if (size + n <= MAX_MUTATED && at + n <= size) {
				memmove(data + at + n, data + at, size - at);
				size += n;
			}
			break;
		default: { // a piece of another input
			const struct input *o = &c->inputs[below(state, c->count)];
			size_t from = below(state, o->size);

			n = EY_MIN(1 + below(state, 64), o->size - from);
			if (at + n <= MAX_MUTATED) {
				memcpy(data + at, o->data + from, n);
				size = EY_MAX(size, at + n);
			}
		}
		}
	}
	return size;
}

static unsigned long number(const char *s)
{
	char *end;
	unsigned long v = s ? strtoul(s, &end, 10) : 0;

	if (!s || end == s || *end) {
		fprintf(stderr, "replay: an option wants a number\n");
		exit(1);
	}
	return v;
}

int main(int argc, char **argv)
{
	static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
	struct corpus c = {0};
	unsigned long mutations = 0, seconds = 20, done = 0;
	uint64_t state = 0x9e3779b97f4a7c15ULL;

	const char *slash = strrchr(argv[0], '/');

	snprintf(current.saved, sizeof(current.saved), "crash-%s", slash ? slash + 1 : argv[0]);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--mutations"))
			mutations = number(argv[++i]);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = number(argv[++i]);
		else
			add_path(&c, argv[i]);
	}
	if (!c.count) {
		fprintf(stderr, "replay: no input; name files or folders\n");
		return 1;
	}
	qsort(c.inputs, c.count, sizeof(*c.inputs), by_name);
	for (size_t i = 0; i < EY_ARRAY_SIZE(fatal); i++)
		signal(fatal[i], on_signal);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(save_current);

	for (size_t i = 0; i < c.count; i++)
		run_one(&c.inputs[i], c.inputs[i].data, c.inputs[i].size, false);

	_cleanup_free_ uint8_t *data = malloc(MAX_MUTATED + 64);
	time_t begin = time(NULL);

	if (!data)
		return 3;
	while (done < mutations && (unsigned long)(time(NULL) - begin) < seconds) {
		const struct input *in = &c.inputs[below(&state, c.count)];
		size_t size = EY_MIN(in->size, (size_t)MAX_MUTATED);

		memcpy(data, in->data, size);
		run_one(in, data, mutate(&state, &c, data, size), true);
		done++;
	}
	printf("replay: %zu inputs and %lu mutations of them\n", c.count, done);
	for (size_t i = 0; i < c.count; i++) {
		free(c.inputs[i].name);
		free(c.inputs[i].data);
	}
	free(c.inputs);
	return 0;
}
