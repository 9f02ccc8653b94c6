-- SPDX-License-Identifier: GPL-2.0-or-later
-- Regrouping to another version of the rules; the crash utility's text at the center.

-- A run: 'looking' (crashes up to after_id have their new keys below), 'moving', 'done'.
CREATE TABLE regroup_runs (
	id @identity@,
	version TEXT NOT NULL,
	state TEXT NOT NULL,
	after_id BIGINT NOT NULL,
	seen BIGINT NOT NULL DEFAULT 0,
	unknown BIGINT NOT NULL DEFAULT 0,
	started BIGINT NOT NULL,
	finished BIGINT NOT NULL DEFAULT 0
);
-- How many crashes of a home got which key (without its version).
CREATE TABLE regroup_counts (
	home_id BIGINT NOT NULL REFERENCES reasons (id),
	key TEXT NOT NULL,
	crashes BIGINT NOT NULL,
	PRIMARY KEY (home_id, key)
);
-- Crashes whose key is another than their home's.
CREATE TABLE regroup_moves (
	crash_id BIGINT PRIMARY KEY REFERENCES crashes (id),
	home_id BIGINT NOT NULL REFERENCES reasons (id),
	key TEXT NOT NULL,
	target_id BIGINT
);
CREATE INDEX regroup_moves_home ON regroup_moves (home_id, key);

-- What came of running crash on a crash's dump: 'done', 'no-symbols' (of build_id), 'failed'.
CREATE TABLE crash_runs (
	crash_id BIGINT PRIMARY KEY REFERENCES crashes (id),
	state TEXT NOT NULL,
	build_id TEXT NOT NULL DEFAULT '',
	message TEXT NOT NULL DEFAULT '',
	-- JSON: a list of {"field", "native", "crash"}.
	differences TEXT NOT NULL DEFAULT '[]',
	differs BIGINT NOT NULL DEFAULT 0,
	attempts BIGINT NOT NULL DEFAULT 0,
	time BIGINT NOT NULL,
	milliseconds BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX crash_runs_build ON crash_runs (build_id) WHERE state = 'no-symbols';

-- Issues that sites share: one name everywhere, and the contents that it had when it was shared.
ALTER TABLE issues ADD COLUMN uid TEXT;
CREATE UNIQUE INDEX issues_uid ON issues (uid) WHERE uid IS NOT NULL;
CREATE TABLE issue_digests (
	id @identity@,
	issue_id BIGINT NOT NULL REFERENCES issues (id),
	digest TEXT NOT NULL,
	UNIQUE (issue_id, digest)
);
-- Keys of reasons that belong to an issue and were not seen here yet.
CREATE TABLE issue_keys (
	key TEXT PRIMARY KEY,
	issue_id BIGINT NOT NULL REFERENCES issues (id)
);
CREATE INDEX issue_keys_issue ON issue_keys (issue_id);

-- Few of the crashes have their dumps.
CREATE INDEX crashes_kept ON crashes (id) WHERE dump = 'kept';
