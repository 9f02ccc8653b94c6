-- SPDX-License-Identifier: GPL-2.0-or-later
-- What the lists of the API are searched by, and what happened, in order, for those who follow.

CREATE INDEX crashes_site ON crashes (site, time, id);
CREATE INDEX crashes_function ON crashes (function, time, id) WHERE function IS NOT NULL;
CREATE INDEX crashes_module ON crashes (module, time, id) WHERE module IS NOT NULL;
CREATE INDEX signatures_signature ON signatures (signature);

CREATE INDEX hosts_crashes ON hosts (crashes, id);
CREATE INDEX hosts_site_last_seen ON hosts (site, last_seen, id);
CREATE INDEX hosts_model_last_seen ON hosts (model_id, last_seen, id);
DROP INDEX hosts_model;

CREATE INDEX reasons_state_last_seen ON reasons (state, last_seen, id);

-- Removed when they are old: who was away for so long reads the lists.
CREATE TABLE events (
	id @identity@,
	time BIGINT NOT NULL,
	kind TEXT NOT NULL,
	subject_id BIGINT NOT NULL,
	text TEXT NOT NULL
);

-- What the metrics ask each quarter of a minute is in the indexes alone.
CREATE INDEX hosts_site_crashes ON hosts (site, crashes);
