-- SPDX-License-Identifier: GPL-2.0-or-later
-- Crashes that come over HTTP.

-- The schema of a record that this program did not know; NULL: it knew it.
ALTER TABLE crashes ADD COLUMN record_schema TEXT;

-- Crashes of a reason on a kernel and model, and the dumps of them that ever came: of each such
-- group the first few dumps are wanted, and each Nth after them. '' and 0 where not known.
CREATE TABLE reason_dumps (
	reason_id BIGINT NOT NULL REFERENCES reasons (id),
	kernel TEXT NOT NULL,
	model_id BIGINT NOT NULL,
	crashes BIGINT NOT NULL DEFAULT 0,
	dumps BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (reason_id, kernel, model_id)
);
INSERT INTO reason_dumps (reason_id, kernel, model_id, crashes, dumps)
SELECT reason_id, coalesce(kernel, ''), coalesce(model_id, 0), count(*),
	sum(CASE WHEN dump IN ('kept', 'purged') THEN 1 ELSE 0 END)
FROM crashes GROUP BY reason_id, coalesce(kernel, ''), coalesce(model_id, 0);

-- Dumps that are on their way, or were asked for (size -1) and have a slot until then.
CREATE TABLE uploads (
	name TEXT PRIMARY KEY,
	crash_id BIGINT NOT NULL UNIQUE REFERENCES crashes (id),
	reason_id BIGINT NOT NULL REFERENCES reasons (id),
	site TEXT NOT NULL,
	size BIGINT NOT NULL DEFAULT -1,
	-- As the host announced it, '' where it did not.
	sha256 TEXT NOT NULL DEFAULT '',
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX uploads_expires ON uploads (expires);
CREATE INDEX uploads_reason ON uploads (reason_id);
