-- SPDX-License-Identifier: GPL-2.0-or-later
-- Merges and splits of reasons, which people make and take back (ADR 0016).

-- Keys that lead to a reason besides its own: of other versions of the rules.
CREATE TABLE reason_keys (
	key TEXT PRIMARY KEY,
	reason_id BIGINT NOT NULL REFERENCES reasons (id)
);
CREATE INDEX reason_keys_reason ON reason_keys (reason_id);

-- Where its crashes are now, of a reason that was merged into another; NULL for all others.
ALTER TABLE reasons ADD COLUMN merged_into BIGINT;
-- Whether changes in force lead crashes away from it: intake asks no further where none do.
ALTER TABLE reasons ADD COLUMN has_rules INTEGER NOT NULL DEFAULT 0;

-- The reason of the crash's own key, where a change led it to another; NULL: its reason_id.
ALTER TABLE crashes ADD COLUMN home_id BIGINT REFERENCES reasons (id);
CREATE INDEX crashes_home ON crashes (home_id, time, id) WHERE home_id IS NOT NULL;
CREATE INDEX crashes_signature ON crashes (signature_id, time, id);

-- Every change, for good. One that is not undone is a rule: crashes that come to from_id (with
-- the value in the field, where there is one) go on to to_id.
CREATE TABLE reason_changes (
	id @identity@,
	what TEXT NOT NULL,
	from_id BIGINT NOT NULL REFERENCES reasons (id),
	to_id BIGINT NOT NULL REFERENCES reasons (id),
	field TEXT NOT NULL DEFAULT '',
	value TEXT NOT NULL DEFAULT '',
	time BIGINT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL DEFAULT '',
	undone BIGINT NOT NULL DEFAULT 0,
	undone_by TEXT NOT NULL DEFAULT '',
	undone_why TEXT NOT NULL DEFAULT '',
	-- Issues and states of both before it, and what the target got.
	from_issue BIGINT,
	from_state TEXT NOT NULL DEFAULT '',
	to_issue BIGINT,
	to_state TEXT NOT NULL DEFAULT '',
	set_issue BIGINT
);
CREATE INDEX reason_changes_from ON reason_changes (from_id, id);
CREATE INDEX reason_changes_to ON reason_changes (to_id, id);

-- Crashes that are to be looked at after a change, and how far that is done: those under a reason
-- ('reason'), those whose home it is ('home'), those of an exact key ('signature').
CREATE TABLE reason_sweeps (
	id @identity@,
	change_id BIGINT NOT NULL REFERENCES reason_changes (id),
	walk TEXT NOT NULL,
	subject_id BIGINT NOT NULL,
	after_time BIGINT NOT NULL,
	after_id BIGINT NOT NULL
);
CREATE INDEX reason_sweeps_change ON reason_sweeps (change_id);
