-- SPDX-License-Identifier: GPL-2.0-or-later
-- What keeps dumps, what became of them, and whether they are still what was filed.

-- Who wants dumps to stay, and why: of a crash, or of all crashes of a reason, host or issue.
CREATE TABLE holds (
	id @identity@,
	scope TEXT NOT NULL,
	subject_id BIGINT NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	created BIGINT NOT NULL,
	-- When it ends by itself; 0: never.
	ends BIGINT NOT NULL DEFAULT 0,
	released BIGINT NOT NULL DEFAULT 0,
	released_by TEXT NOT NULL DEFAULT '',
	released_why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX holds_active ON holds (scope, subject_id) WHERE released = 0;

-- Every dump that was removed, and the rule that did it.
CREATE TABLE removals (
	id @identity@,
	crash_id BIGINT NOT NULL REFERENCES crashes (id),
	path TEXT NOT NULL,
	time BIGINT NOT NULL,
	kind TEXT NOT NULL,
	why TEXT NOT NULL,
	bytes BIGINT NOT NULL
);
CREATE INDEX removals_crash ON removals (crash_id);
CREATE INDEX removals_time ON removals (time, id);

-- When the scrub read the folder last (0: never), and what it found wrong.
ALTER TABLE folders ADD COLUMN checked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE folders ADD COLUMN damage TEXT NOT NULL DEFAULT '';
CREATE INDEX folders_checked ON folders (checked, path) WHERE has_dump = 1;
CREATE INDEX folders_damaged ON folders (path) WHERE damage <> '';
