/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "server/auth_header.h"

struct connection {
	struct connection *next;
	struct connection **link;
	/** What is counted; empty: nothing is known of it. */
	char bucket[INET6_ADDRSTRLEN + sizeof("/64")];
	int fd;
	struct tls_keys *tls;
	int64_t hsts_seconds;
	bool cut;
	enum connection_phase phase;
	/** When the phase began, and the bytes that came in it. */
	int64_t since;
	uint64_t bytes;
};

struct connections {
	struct connections_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	struct connection *first;
};

static int64_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int64_t seconds_allowed(const struct connections_options *o, const struct connection *c)
{
	switch (c->phase) {
	case CONNECTION_HEADER:
		return o->header_seconds;
	case CONNECTION_BODY:
		return o->body_seconds * (1 + (int64_t)(c->bytes / CONNECTIONS_BODY_STEP));
	case CONNECTION_ANSWER:
		return CONNECTIONS_ANSWER_SECONDS;
	case CONNECTION_STREAM:
		break;
	}
	return 0;
}

static void cut_slow(struct connections *all)
{
	int64_t now = now_seconds();

	for (struct connection *c = all->first; c; c = c->next) {
		// Closed under this lock only, so the number is still its own.
		int64_t allowed = seconds_allowed(&all->options, c);

		if (!c->cut && allowed && now - c->since > allowed) {
			c->cut = true;
			shutdown(c->fd, SHUT_RDWR);
			ey_log_debug("http: %s took too long, and is cut off", c->bucket);
		}
	}
}

static void *watch(void *arg)
{
	struct connections *all = arg;

	pthread_mutex_lock(&all->lock);
	while (!all->stop) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&all->wake, &all->lock, &until);
		cut_slow(all);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

struct ey_error *connections_create(const struct connections_options *options,
				    struct connections **ret)
{
	struct connections *all = calloc(1, sizeof(*all));
	pthread_condattr_t attr;

	if (!all)
		return &ey_error_nomem;
	all->options = *options;
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&all->wake, &attr);
	pthread_condattr_destroy(&attr);
	int failed = pthread_create(&all->thread, NULL, watch, all);
	if (failed) {
		pthread_cond_destroy(&all->wake);
		pthread_mutex_destroy(&all->lock);
		free(all);
		return ey_error_errno(EY_ERR_IO, failed, "cannot start a thread");
	}
	*ret = all;
	return NULL;
}

void connections_destroy(struct connections *all)
{
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->stop = true;
	pthread_cond_signal(&all->wake);
	pthread_mutex_unlock(&all->lock);
	pthread_join(all->thread, NULL);
	pthread_cond_destroy(&all->wake);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

bool connections_address(const struct sockaddr *sa, char *ret, size_t size)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const void *address = NULL;
	int family = sa ? sa->sa_family : AF_UNSPEC;

	if (family == AF_INET) {
		address = &v4->sin_addr;
	} else if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		family = AF_INET;
		address = &v6->sin6_addr.s6_addr[12];
	} else if (family == AF_INET6) {
		address = &v6->sin6_addr;
	}
	ret[0] = '\0';
	return address && inet_ntop(family, address, ret, (socklen_t)size);
}

static void find_bucket(const struct sockaddr *sa, char *text, size_t text_size, char *bucket,
			size_t size)
{
	bucket[0] = '\0';
	if (connections_address(sa, text, text_size))
		auth_address_bucket(text, bucket, size);
}

bool connections_may_open(struct connections *all, const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN], bucket[sizeof(((struct connection *)NULL)->bucket)];
	uint64_t count = 0;

	if (!all->options.per_address)
		return true;
	find_bucket(sa, text, sizeof(text), bucket, sizeof(bucket));
	if (!*bucket || auth_address_in(text, all->options.unlimited))
		return true;
	pthread_mutex_lock(&all->lock);
	for (const struct connection *c = all->first; c; c = c->next)
		count += !strcmp(c->bucket, bucket);
	pthread_mutex_unlock(&all->lock);
	return count < all->options.per_address;
}

struct connection *connections_open(struct connections *all, int fd, const struct sockaddr *sa,
				    struct tls_keys *tls)
{
	struct connection *c = calloc(1, sizeof(*c));
	char text[INET6_ADDRSTRLEN];

	if (!c)
		return NULL;
	find_bucket(sa, text, sizeof(text), c->bucket, sizeof(c->bucket));
	c->fd = fd;
	c->tls = tls;
	c->hsts_seconds = all->options.hsts_seconds;
	c->since = now_seconds();
	pthread_mutex_lock(&all->lock);
	c->next = all->first;
	c->link = &all->first;
	if (c->next)
		c->next->link = &c->next;
	all->first = c;
	pthread_mutex_unlock(&all->lock);
	return c;
}

struct tls_keys *connection_tls(const struct connection *c)
{
	return c->tls;
}

int64_t connection_hsts(const struct connection *c)
{
	return c ? c->hsts_seconds : 0;
}

void connections_close(struct connections *all, struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&all->lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	pthread_mutex_unlock(&all->lock);
	free(c);
}

void connection_phase(struct connections *all, struct connection *c, enum connection_phase phase)
{
	if (!c)
		return;
	pthread_mutex_lock(&all->lock);
	c->phase = phase;
	c->since = now_seconds();
	c->bytes = 0;
	pthread_mutex_unlock(&all->lock);
}

void connection_took(struct connections *all, struct connection *c, size_t n)
{
	if (!c)
		return;
	pthread_mutex_lock(&all->lock);
	c->bytes += n;
	pthread_mutex_unlock(&all->lock);
}
