-- SPDX-License-Identifier: GPL-2.0-or-later
-- What hosts say of themselves while they live: inventory by boot, exposure, life, changes.

-- Distinct configurations (inventory, kernel, packages), as JSON with sorted keys; a fleet has few.
CREATE TABLE configurations (
	id @identity@,
	hash TEXT NOT NULL UNIQUE,
	data TEXT NOT NULL,
	first_seen BIGINT NOT NULL
);

ALTER TABLE boots ADD COLUMN image TEXT;
ALTER TABLE boots ADD COLUMN configuration_id BIGINT REFERENCES configurations (id);
-- The part of the boot that stands in the exposure; 0: none, as no heartbeat came in it.
ALTER TABLE boots ADD COLUMN counted_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE boots ADD COLUMN counted_until BIGINT NOT NULL DEFAULT 0;

-- first_seen and last_seen are of crashes (0: none). told: when it last said who it is.
ALTER TABLE hosts ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
ALTER TABLE hosts ADD COLUMN last_beat BIGINT NOT NULL DEFAULT 0;
ALTER TABLE hosts ADD COLUMN life TEXT NOT NULL DEFAULT 'production';
ALTER TABLE hosts ADD COLUMN image TEXT;
UPDATE hosts SET told = last_seen;
CREATE INDEX hosts_hostname ON hosts (hostname);
CREATE INDEX hosts_serial ON hosts (dmi_serial);
CREATE INDEX hosts_uuid ON hosts (lower(dmi_uuid));
CREATE INDEX hosts_life ON hosts (life, id) WHERE life <> 'production';

-- Time under observation, seconds by day, of all hosts that are alike in these.
CREATE TABLE exposure_groups (
	id @identity@,
	site TEXT NOT NULL,
	model_id BIGINT NOT NULL,
	kernel TEXT NOT NULL,
	firmware TEXT NOT NULL,
	image TEXT NOT NULL,
	life TEXT NOT NULL,
	UNIQUE (site, model_id, kernel, firmware, image, life)
);
CREATE TABLE exposure (
	day BIGINT NOT NULL,
	group_id BIGINT NOT NULL REFERENCES exposure_groups (id),
	seconds BIGINT NOT NULL,
	PRIMARY KEY (day, group_id)
);

-- Install ids that more than one machine uses at a time.
CREATE TABLE clones (
	machine_id TEXT PRIMARY KEY,
	found BIGINT NOT NULL,
	last_seen BIGINT NOT NULL
);
CREATE INDEX clones_last_seen ON clones (last_seen);

-- source is 'host' (its heartbeat) or 'import'; each replaces only its own.
CREATE TABLE host_labels (
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	name TEXT NOT NULL,
	source TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (host_id, name, source)
);
CREATE INDEX host_labels_name ON host_labels (name, value, host_id);

CREATE TABLE host_life (
	id @identity@,
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	time BIGINT NOT NULL,
	who TEXT NOT NULL,
	old_value TEXT NOT NULL,
	new_value TEXT NOT NULL,
	why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX host_life_host ON host_life (host_id, id);

-- What a configuration management system did, and to whom: hosts of change_hosts, or where
-- everywhere is 1 all of the site (or of all sites, '').
CREATE TABLE changes (
	id @identity@,
	key TEXT UNIQUE,
	time BIGINT NOT NULL,
	received BIGINT NOT NULL,
	site TEXT NOT NULL DEFAULT '',
	everywhere INTEGER NOT NULL DEFAULT 0,
	tool TEXT NOT NULL,
	what TEXT NOT NULL,
	link TEXT NOT NULL DEFAULT '',
	who TEXT NOT NULL DEFAULT '',
	hosts BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX changes_time ON changes (time, id);
CREATE TABLE change_hosts (
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	change_id BIGINT NOT NULL REFERENCES changes (id),
	PRIMARY KEY (host_id, change_id)
);
CREATE INDEX change_hosts_change ON change_hosts (change_id);
