-- SPDX-License-Identifier: GPL-2.0-or-later
-- A site's eyried forwards what it takes in to another one, in order and exactly once (ADR 0019).

-- The sender: the line (one row, id 1), and what waits to be sent over it.
CREATE TABLE forward_line (
	id BIGINT PRIMARY KEY,
	active BIGINT NOT NULL DEFAULT 0,
	-- Random; a new one wherever the numbers of the old one can no longer be trusted, and that.
	stream TEXT NOT NULL DEFAULT '',
	replaces TEXT NOT NULL DEFAULT '',
	-- Numbers: before the first of the stream, given last, sent last, confirmed last.
	base BIGINT NOT NULL DEFAULT 0,
	last BIGINT NOT NULL DEFAULT 0,
	sent BIGINT NOT NULL DEFAULT 0,
	confirmed BIGINT NOT NULL DEFAULT 0,
	-- Rows of the queue; and the crash up to which the history is queued: -1: all of it is.
	waiting BIGINT NOT NULL DEFAULT 0,
	filled BIGINT NOT NULL DEFAULT -1,
	-- What was confirmed and what was refused since ever.
	records BIGINT NOT NULL DEFAULT 0,
	refused BIGINT NOT NULL DEFAULT 0,
	last_ok BIGINT NOT NULL DEFAULT 0,
	-- 0 and '' while the line is up.
	down_since BIGINT NOT NULL DEFAULT 0,
	why TEXT NOT NULL DEFAULT ''
);
CREATE TABLE forward_queue (
	sequence BIGINT PRIMARY KEY,
	kind TEXT NOT NULL,
	object_id BIGINT NOT NULL,
	time BIGINT NOT NULL,
	-- The body as it came, where it stands nowhere else.
	data @blob@
);
-- What was set aside, since the receiver can never take it.
CREATE TABLE forward_refused (
	sequence BIGINT PRIMARY KEY,
	kind TEXT NOT NULL,
	object_id BIGINT NOT NULL,
	time BIGINT NOT NULL,
	why TEXT NOT NULL,
	data @blob@
);

-- The receiver: who forwards to here, and how far it is.
CREATE TABLE sites (
	name TEXT PRIMARY KEY,
	stream TEXT NOT NULL,
	position BIGINT NOT NULL,
	url TEXT NOT NULL,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	-- As the site said last: records that wait there, and since when the oldest does (0: none).
	queue BIGINT NOT NULL DEFAULT 0,
	oldest BIGINT NOT NULL DEFAULT 0,
	records BIGINT NOT NULL DEFAULT 0,
	refused BIGINT NOT NULL DEFAULT 0
);
-- What was not taken of a site, and why.
CREATE TABLE site_refused (
	site TEXT NOT NULL,
	stream TEXT NOT NULL,
	sequence BIGINT NOT NULL,
	kind TEXT NOT NULL,
	origin BIGINT NOT NULL,
	time BIGINT NOT NULL,
	why TEXT NOT NULL,
	PRIMARY KEY (site, stream, sequence)
);
CREATE INDEX site_refused_time ON site_refused (site, time);
-- Crashes of sites by their number there, and what the site keeps of the dump.
CREATE TABLE site_crashes (
	site TEXT NOT NULL,
	origin BIGINT NOT NULL,
	crash_id BIGINT NOT NULL REFERENCES crashes (id),
	dump TEXT NOT NULL,
	dump_bytes BIGINT NOT NULL DEFAULT 0,
	path TEXT NOT NULL DEFAULT '',
	purged BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (site, origin)
);
CREATE INDEX site_crashes_crash ON site_crashes (crash_id);
