-- SPDX-License-Identifier: GPL-2.0-or-later
-- What a history of ten million crashes of a million hosts wants.

-- With what a reason is described by: its crashes by day, and on what the newest happened, are read
-- from the index alone.
DROP INDEX crashes_reason;
CREATE INDEX crashes_reason ON crashes (reason_id, time, id, host_id, is_new, model_id, site,
	kernel, firmware);

-- By host alone, a planner without statistics began at all ids of a kind.
DROP INDEX host_aliases_host;
CREATE INDEX host_aliases_host ON host_aliases (host_id, kind);
