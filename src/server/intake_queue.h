/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * Deliveries on their way into the database. One thread writes them, as many in a transaction as
 * have come meanwhile (group commit, ADR 0018): a commit waits for the disk, and so they share it.
 * Each is answered when its own transaction is committed, and not before.
 */
#ifndef EYRIE_SERVER_INTAKE_QUEUE_H
#define EYRIE_SERVER_INTAKE_QUEUE_H

#include "base/config.h"
#include "base/error.h"
#include "ingest/delivery.h"
#include "server/message.h"

struct intake_queue;

/** Make the queue and start its thread; @p config must outlive it. */
struct ey_error *intake_queue_create(const struct ey_config *config,
				     struct intake_queue **ret) EY_MUST_CHECK;
/** Write what still waits and answer it; nothing more is taken. */
void intake_queue_stop(struct intake_queue *queue);
/** Stop it and release it, when nobody can add any more. */
void intake_queue_destroy(struct intake_queue *queue);

/**
 * Take @p delivery (emptied then) and answer @p request later. EY_ERR_IO where the server stops:
 * then nothing was taken.
 */
struct ey_error *intake_queue_add(struct intake_queue *queue, struct delivery *delivery,
				  const struct server_request *request) EY_MUST_CHECK;

#endif
