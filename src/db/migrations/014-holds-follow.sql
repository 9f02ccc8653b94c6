-- SPDX-License-Identifier: GPL-2.0-or-later
-- Holds of a reason follow its crashes when they are merged into another or split off: as a copy on
-- the other reason, which ends when that change was taken back and its crashes are home again.

-- The hold that it is a copy of, and the one that a person made; NULL for that one.
ALTER TABLE holds ADD COLUMN parent_id BIGINT;
ALTER TABLE holds ADD COLUMN origin_id BIGINT;
-- The change of reasons that made the copy, and the one whose undoing ends it.
ALTER TABLE holds ADD COLUMN change_id BIGINT;
ALTER TABLE holds ADD COLUMN undone_change BIGINT;

-- Merges that were made before.
INSERT INTO holds (scope, subject_id, who, why, created, ends, parent_id, origin_id)
	SELECT x.scope, r.merged_into, x.who, x.why, x.created, x.ends, x.id, x.id
	FROM holds x JOIN reasons r ON r.id = x.subject_id
	WHERE x.scope = 'reason' AND x.released = 0 AND r.merged_into IS NOT NULL;
