/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hosts of a storm: see help. One thread, sockets and epoll: the cores are the server's. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "simulate/rng.h"
#include "storm_bodies.h"

static const char help[] =
	"Usage: storm_load [OPTION...] HOST:PORT\n"
	"       storm_load [OPTION...] --bare DATABASE\n"
	"\n"
	"Send crashes with whole evidence by POST /api/v1/crashes, each until it is confirmed "
	"(2xx)\n"
	"or refused for good (4xx); answers that say later (429, 503, 507, no answer) are tried "
	"again\n"
	"after Retry-After. All bodies are made before the clock runs. Prints one JSON object.\n"
	"With --bare put the same bytes into a table of DATABASE, and nothing else.\n"
	"\n"
	"  --crashes N      how many (2000)\n"
	"  --hosts N        of how many hosts (as many as crashes)\n"
	"  --reasons N      of how many reasons (20)\n"
	"  --connections N  at a time (32)\n"
	"  --spread S       they come within S seconds, evenly by chance (0: as fast as they go)\n"
	"  --seconds S      give up after S seconds (600); with --bare: measure so long (5)\n"
	"  --batch N        with --bare: rows a commit (1)\n"
	"  --token FILE     bearer token\n"
	"  --confirmed FILE append a line \"MACHINE BOOT STATUS BODY\" for each crash once "
	"confirmed\n"
	"  --seed N         (1)\n";

enum { ANSWER_MAX = 64 * 1024, RECONNECT_MS = 200, STATUS_BUSY = 503 };

struct line {
	int fd;
	bool up;
	/** The crash on its way, -1: idle. */
	long crash;
	size_t sent;
	double started;
	/** Not before, after a failed connect. */
	double rest_until;
	struct ey_buf head;
	struct ey_buf answer;
};

struct storm {
	struct addrinfo *address;
	const char *host;
	char *token;
	struct storm_body *bodies;
	unsigned int crashes;
	double seconds;
	/** When each is to be sent (again), and by that a heap of those that wait. */
	double *due;
	unsigned int *heap;
	size_t heap_count;
	struct line *lines;
	unsigned int line_count;
	int epoll;
	FILE *confirmed;
	/** Seconds of each confirmed request, and from when it was first due to its confirmation.
	 */
	double *latency;
	double *first_due;
	double *whole;
	size_t done;
	uint64_t refused, later, broken, doubles;
	double start;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void push(struct storm *s, unsigned int crash, double due)
{
	size_t i = s->heap_count++;

	s->due[crash] = due;
	while (i && s->due[s->heap[(i - 1) / 2]] > due) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = crash;
}

static unsigned int pop(struct storm *s)
{
	unsigned int first = s->heap[0], last = s->heap[--s->heap_count];
	size_t i = 0;

	for (size_t k; (k = 2 * i + 1) < s->heap_count; i = k) {
		if (k + 1 < s->heap_count && s->due[s->heap[k + 1]] < s->due[s->heap[k]])
			k++;
		if (s->due[s->heap[k]] >= s->due[last])
			break;
		s->heap[i] = s->heap[k];
	}
	s->heap[i] = last;
	return first;
}

static void hang_up(struct line *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->up = false;
}

// No answer: the crash is tried again, the line rests.
static void broken(struct storm *s, struct line *l)
{
	hang_up(l);
	s->broken++;
	l->rest_until = now() + RECONNECT_MS / 1e3;
	if (l->crash >= 0)
		push(s, (unsigned int)l->crash, l->rest_until);
	l->crash = -1;
}

static bool dial(struct storm *s, struct line *l)
{
	int one = 1;

	l->fd = socket(s->address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return false;
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(l->fd, s->address->ai_addr, s->address->ai_addrlen) < 0 && errno != EINPROGRESS)
		return false;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = l};
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, l->fd, &ev) == 0;
}

// Send what the socket takes; false: the line is broken.
static bool send_some(struct storm *s, struct line *l)
{
	const struct storm_body *b = &s->bodies[l->crash];
	size_t total = l->head.len + b->len;

	while (l->sent < total) {
		bool head = l->sent < l->head.len;
		const char *from =
			head ? l->head.data + l->sent : b->data + (l->sent - l->head.len);
		size_t len = head ? l->head.len - l->sent : total - l->sent;
		ssize_t n = send(l->fd, from, len, MSG_NOSIGNAL | (head ? MSG_MORE : 0));

		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return true;
		if (n < 0)
			return false;
		l->sent += (size_t)n;
	}
	return true;
}

static void begin(struct storm *s, struct line *l, unsigned int crash)
{
	l->crash = crash;
	l->sent = 0;
	l->started = now();
	ey_buf_clear(&l->answer);
	ey_buf_clear(&l->head);
	ey_buf_printf(&l->head,
		      "POST /api/v1/crashes HTTP/1.1\r\nHost: %s\r\n%s%s%sContent-Type: "
		      "multipart/form-data; boundary=" STORM_BOUNDARY
		      "\r\nContent-Length: %zu\r\n\r\n",
		      s->host, s->token ? "Authorization: Bearer " : "", s->token ? s->token : "",
		      s->token ? "\r\n" : "", s->bodies[crash].len);
	if ((l->fd < 0 && !dial(s, l)) || !send_some(s, l))
		broken(s, l);
}

static const char *header(const char *answer, const char *name)
{
	const char *end = strstr(answer, "\r\n\r\n"), *found = strcasestr(answer, name);

	return found && end && found < end ? found + strlen(name) : NULL;
}

static void confirmed(struct storm *s, struct line *l, int status, const char *body)
{
	const struct storm_body *b = &s->bodies[l->crash];
	double t = now();

	s->latency[s->done] = t - l->started;
	s->whole[s->done++] = t - s->first_due[l->crash];
	s->doubles += status == 200;
	if (s->confirmed)
		fprintf(s->confirmed, "%s %s %d %s\n", b->machine_id, b->boot_id, status, body);
}

// A whole answer stands in the buffer.
static void answered(struct storm *s, struct line *l, const char *body)
{
	int status = (int)strtol(l->answer.data + strlen("HTTP/1.1 "), NULL, 10);
	const char *wait = header(l->answer.data, "\r\nRetry-After:");
	const char *connection = header(l->answer.data, "\r\nConnection:");
	unsigned int crash = (unsigned int)l->crash;

	if (status >= 200 && status < 300) {
		confirmed(s, l, status, body);
	} else if (status == 429 || status >= 500) {
		s->later++;
		push(s, crash, now() + EY_MAX(wait ? strtod(wait, NULL) : 1, 0.1));
	} else {
		if (!s->refused++)
			fprintf(stderr, "storm_load: refused: %.600s\n", l->answer.data);
	}
	l->crash = -1;
	if (connection && strcasestr(connection, "close") == connection + 1)
		hang_up(l);
}

static void receive(struct storm *s, struct line *l)
{
	char piece[16384];
	ssize_t n;

	while ((n = recv(l->fd, piece, sizeof(piece), 0)) > 0)
		ey_buf_add(&l->answer, piece, (size_t)n);
	bool ended = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
	const char *end = l->answer.data ? strstr(l->answer.data, "\r\n\r\n") : NULL;
	const char *length = end ? header(l->answer.data, "\r\nContent-Length:") : NULL;

	if (l->crash >= 0 && length && l->answer.len < ANSWER_MAX) {
		size_t head = (size_t)(end + 4 - l->answer.data);

		if (l->answer.len - head >= strtoul(length, NULL, 10))
			answered(s, l, end + 4);
	}
	if (ended && l->crash >= 0)
		broken(s, l);
	else if (ended)
		hang_up(l);
}

static void on_event(struct storm *s, struct line *l, uint32_t events)
{
	if (l->fd < 0)
		return;
	if (events & EPOLLERR) {
		broken(s, l);
		return;
	}
	if (l->crash >= 0 && events & EPOLLOUT && !send_some(s, l)) {
		broken(s, l);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
		receive(s, l);
}

// Give idle lines what is due; returns milliseconds until the next is.
static int hand_out(struct storm *s)
{
	double t = now(), rest = 0.5;

	for (unsigned int i = 0; i < s->line_count && s->heap_count; i++) {
		struct line *l = &s->lines[i];

		if (l->crash >= 0)
			continue;
		if (l->rest_until > t) {
			rest = EY_MIN(rest, l->rest_until - t);
			continue;
		}
		if (s->due[s->heap[0]] > t) {
			rest = EY_MIN(rest, s->due[s->heap[0]] - t);
			break;
		}
		begin(s, l, pop(s));
	}
	return (int)(rest * 1e3) + 1;
}

static void run(struct storm *s)
{
	struct epoll_event events[64];

	s->start = now();
	for (unsigned int i = 0; i < s->crashes; i++) {
		s->first_due[i] += s->start;
		push(s, i, s->first_due[i]);
	}
	while (s->done + s->refused < s->crashes && now() - s->start < s->seconds) {
		int wait = hand_out(s);
		int n = epoll_wait(s->epoll, events, EY_ARRAY_SIZE(events), wait);

		for (int i = 0; i < n; i++)
			on_event(s, events[i].data.ptr, events[i].events);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double *values, size_t count, double p)
{
	qsort(values, count, sizeof(*values), by_value);
	return count ? values[EY_MIN(count - 1, (size_t)(p * (double)count))] * 1e3 : 0;
}

static void print(struct storm *s, double seconds)
{
	struct rusage usage;
	double json = 0, wire = 0;

	getrusage(RUSAGE_SELF, &usage);
	for (unsigned int i = 0; i < s->crashes; i++) {
		json += (double)s->bodies[i].json / s->crashes;
		wire += (double)s->bodies[i].len / s->crashes;
	}
	printf("{\"crashes\":%u,\"confirmed\":%zu,\"doubles\":%" PRIu64 ",\"refused\":%" PRIu64
	       ",\"later\":%" PRIu64 ",\"broken\":%" PRIu64 ",\"seconds\":%.3f,\"rate\":%.1f,"
	       "\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"whole_p50_ms\":%.1f,\"whole_p99_ms\":%.1f,"
	       "\"json_bytes\":%.0f,\"wire_bytes\":%.0f,\"cpu_seconds\":%.2f}\n",
	       s->crashes, s->done, s->doubles, s->refused, s->later, s->broken, seconds,
	       (double)s->done / seconds, percentile(s->latency, s->done, 0.5),
	       percentile(s->latency, s->done, 0.99), percentile(s->whole, s->done, 0.5),
	       percentile(s->whole, s->done, 0.99), json, wire,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static int fail(struct ey_error *err)
{
	int status = ey_error_exit_code(err);

	fprintf(stderr, "storm_load: %s\n", err->message);
	ey_error_destroy(err);
	return status;
}

static char *read_token(const char *path)
{
	FILE *f = fopen(path, "r");
	char *token = NULL;
	size_t room = 0;

	if (f && getline(&token, &room, f) > 0)
		token[strcspn(token, "\r\n")] = '\0';
	if (f)
		fclose(f);
	return token;
}

static int storm(struct storm *s, char *where, unsigned int connections, double spread,
		 uint64_t seed)
{
	char *colon = strrchr(where, ':');
	struct sim_rng rng;

	if (!colon)
		return fputs("storm_load: say HOST:PORT\n", stderr), 1;
	s->host = strdup(where);
	*colon = '\0';
	if (getaddrinfo(where, colon + 1, &(struct addrinfo){.ai_socktype = SOCK_STREAM},
			&s->address))
		return fputs("storm_load: no such host\n", stderr), 1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->line_count = connections;
	s->lines = calloc(connections, sizeof(*s->lines));
	s->due = calloc(s->crashes, sizeof(double));
	s->heap = calloc(s->crashes + 1, sizeof(*s->heap));
	s->latency = calloc(s->crashes, sizeof(double));
	s->whole = calloc(s->crashes, sizeof(double));
	s->first_due = calloc(s->crashes, sizeof(double));
	if (!s->lines || !s->due || !s->heap || !s->latency || !s->whole || !s->first_due)
		return fputs("storm_load: out of memory\n", stderr), 3;
	for (unsigned int i = 0; i < connections; i++)
		s->lines[i] = (struct line){.fd = -1, .crash = -1};
	sim_rng_init(&rng, seed, 9);
	for (unsigned int i = 0; i < s->crashes; i++)
		s->first_due[i] = sim_rng_unit(&rng) * spread;
	run(s);
	print(s, now() - s->start);
	return s->done == s->crashes ? 0 : 3;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"crashes", required_argument, NULL, 'n'},
		{"hosts", required_argument, NULL, 'o'},
		{"reasons", required_argument, NULL, 'r'},
		{"connections", required_argument, NULL, 'c'},
		{"spread", required_argument, NULL, 'p'},
		{"seconds", required_argument, NULL, 's'},
		{"batch", required_argument, NULL, 'b'},
		{"token", required_argument, NULL, 't'},
		{"confirmed", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 'e'},
		{"bare", required_argument, NULL, 'B'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct storm_plan plan = {.crashes = 2000, .reasons = 20, .seed = 1};
	unsigned int connections = 32, batch = 1;
	struct storm s = {0};
	double spread = 0, rate;
	const char *bare = NULL;

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'n':
			plan.crashes = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			plan.hosts = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			plan.reasons = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			connections = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			spread = strtod(optarg, NULL);
			break;
		case 's':
			s.seconds = strtod(optarg, NULL);
			break;
		case 'b':
			batch = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 't':
			s.token = read_token(optarg);
			break;
		case 'f':
			s.confirmed = fopen(optarg, "a");
			break;
		case 'e':
			plan.seed = strtoull(optarg, NULL, 10);
			break;
		case 'B':
			bare = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 1;
		}
	}
	if (!plan.crashes || !plan.reasons || !connections || !batch ||
	    (!bare && optind != argc - 1))
		return fputs("storm_load: see --help\n", stderr), 1;
	plan.hosts = plan.hosts ? plan.hosts : plan.crashes;
	plan.start = ey_time_now() - 60 - (int64_t)(plan.crashes / plan.hosts) * 7200;
	struct ey_error *err = storm_bodies_make(&plan, &s.bodies);
	if (err)
		return fail(err);
	if (bare) {
		err = storm_bare(bare, s.bodies, plan.crashes, batch, s.seconds > 0 ? s.seconds : 5,
				 &rate);
		if (err)
			return fail(err);
		printf("{\"rate\":%.1f,\"batch\":%u}\n", rate, batch);
		return 0;
	}
	s.crashes = plan.crashes;
	s.seconds = s.seconds > 0 ? s.seconds : 600;
	if (s.confirmed)
		setvbuf(s.confirmed, NULL, _IOLBF, 0);
	return storm(&s, argv[optind], connections, spread, plan.seed);
}
