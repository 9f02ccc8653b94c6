-- SPDX-License-Identifier: GPL-2.0-or-later
-- Alerts, mails to be sent, runs of the jobs.

CREATE TABLE alerts (
	id @identity@,
	scope TEXT NOT NULL,
	subject_id BIGINT NOT NULL,
	subject TEXT NOT NULL,
	summary TEXT NOT NULL,
	hint TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL,
	since BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	resolved BIGINT NOT NULL DEFAULT 0,
	acknowledged BIGINT NOT NULL DEFAULT 0,
	who TEXT NOT NULL DEFAULT '',
	count BIGINT NOT NULL,
	threshold BIGINT NOT NULL,
	window_seconds BIGINT NOT NULL,
	crashes BIGINT NOT NULL DEFAULT 0,
	hosts BIGINT NOT NULL DEFAULT 0,
	reasons BIGINT NOT NULL DEFAULT 0
);
-- The database itself sees to it that a subject has one alert at a time.
CREATE UNIQUE INDEX alerts_one ON alerts (scope, subject_id) WHERE resolved = 0;
CREATE INDEX alerts_since ON alerts (since, id);

CREATE TABLE alert_crashes (
	alert_id BIGINT NOT NULL REFERENCES alerts (id),
	crash_id BIGINT NOT NULL REFERENCES crashes (id),
	PRIMARY KEY (alert_id, crash_id)
);
CREATE INDEX alert_crashes_crash ON alert_crashes (crash_id);

-- One row a mail, for good: its key keeps it from being queued twice.
CREATE TABLE outbox (
	id @identity@,
	key TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	subject_id BIGINT NOT NULL,
	created BIGINT NOT NULL,
	due BIGINT NOT NULL,
	attempts BIGINT NOT NULL DEFAULT 0,
	sent BIGINT NOT NULL DEFAULT 0,
	given_up BIGINT NOT NULL DEFAULT 0,
	error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_due ON outbox (due, id) WHERE sent = 0 AND given_up = 0;

CREATE TABLE jobs (
	id @identity@,
	name TEXT NOT NULL,
	state TEXT NOT NULL,
	started BIGINT NOT NULL,
	finished BIGINT NOT NULL DEFAULT 0,
	summary TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_name ON jobs (name, id);

-- Small values that jobs keep from run to run.
CREATE TABLE job_state (
	key TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
