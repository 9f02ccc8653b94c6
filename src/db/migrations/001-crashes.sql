-- SPDX-License-Identifier: GPL-2.0-or-later
-- Hosts, boots, reasons, crashes. Times are seconds since 1970 UTC.
-- @identity@ and @blob@ are replaced by the backend's types.

-- A kind of machine, as its firmware names it.
CREATE TABLE models (
	id @identity@,
	vendor TEXT NOT NULL,
	product TEXT NOT NULL,
	UNIQUE (vendor, product)
);

-- A machine. What it said last; earlier ids are in host_aliases.
CREATE TABLE hosts (
	id @identity@,
	site TEXT NOT NULL,
	folder TEXT NOT NULL,
	hostname TEXT NOT NULL,
	machine_id TEXT,
	dmi_uuid TEXT,
	dmi_serial TEXT,
	model_id BIGINT REFERENCES models (id),
	firmware TEXT,
	kernel TEXT,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	crashes BIGINT NOT NULL DEFAULT 0,
	reasons BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX hosts_folder ON hosts (site, folder);
CREATE INDEX hosts_last_seen ON hosts (last_seen, id);
CREATE INDEX hosts_model ON hosts (model_id);

-- Every id under which a machine was ever seen: kind is 'machine' (install id) or 'dmi' (hardware).
CREATE TABLE host_aliases (
	kind TEXT NOT NULL,
	value TEXT NOT NULL,
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	PRIMARY KEY (kind, value, host_id)
);
CREATE INDEX host_aliases_host ON host_aliases (host_id);

-- A boot of a machine; kernel and firmware belong to the boot, not to the machine.
CREATE TABLE boots (
	id @identity@,
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	boot_uuid TEXT,
	started BIGINT,
	last_seen BIGINT NOT NULL,
	kernel TEXT,
	firmware TEXT,
	model_id BIGINT REFERENCES models (id),
	UNIQUE (host_id, boot_uuid)
);
CREATE INDEX boots_started ON boots (host_id, started);

-- What crashes are counted under; key is the versioned group key.
CREATE TABLE reasons (
	id @identity@,
	key TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,
	guilty TEXT NOT NULL,
	title TEXT NOT NULL,
	state TEXT NOT NULL DEFAULT 'new',
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	received BIGINT NOT NULL,
	first_crash_id BIGINT,
	crashes BIGINT NOT NULL DEFAULT 0,
	hosts BIGINT NOT NULL DEFAULT 0,
	dumps BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX reasons_last_seen ON reasons (last_seen, id);
CREATE INDEX reasons_first_seen ON reasons (first_seen, id);
CREATE INDEX reasons_crashes ON reasons (crashes, id);
CREATE INDEX reasons_hosts ON reasons (hosts, id);

-- Exact keys under a reason.
CREATE TABLE signatures (
	id @identity@,
	reason_id BIGINT NOT NULL REFERENCES reasons (id),
	signature TEXT NOT NULL,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	crashes BIGINT NOT NULL DEFAULT 0,
	UNIQUE (reason_id, signature)
);

-- Which hosts had a reason: distinct hosts are counted here, not by reading all crashes.
CREATE TABLE reason_hosts (
	reason_id BIGINT NOT NULL REFERENCES reasons (id),
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	crashes BIGINT NOT NULL,
	last_seen BIGINT NOT NULL,
	PRIMARY KEY (reason_id, host_id)
);
CREATE INDEX reason_hosts_host ON reason_hosts (host_id);

-- One row a crash, for good.
CREATE TABLE crashes (
	id @identity@,
	host_id BIGINT NOT NULL REFERENCES hosts (id),
	boot_id BIGINT NOT NULL REFERENCES boots (id),
	reason_id BIGINT NOT NULL REFERENCES reasons (id),
	signature_id BIGINT REFERENCES signatures (id),
	model_id BIGINT REFERENCES models (id),
	time BIGINT NOT NULL,
	received BIGINT NOT NULL,
	uptime BIGINT NOT NULL DEFAULT -1,
	from_dump INTEGER NOT NULL,
	is_new INTEGER NOT NULL,
	site TEXT NOT NULL,
	firmware TEXT,
	kernel TEXT,
	kernel_version TEXT,
	machine TEXT,
	kind TEXT NOT NULL,
	title TEXT NOT NULL,
	function TEXT,
	module TEXT,
	guilty TEXT,
	signature TEXT,
	comm TEXT,
	taint TEXT,
	cpu BIGINT NOT NULL DEFAULT -1,
	pid BIGINT NOT NULL DEFAULT -1,
	corrupted INTEGER NOT NULL DEFAULT 0,
	engine TEXT,
	gaps BIGINT NOT NULL DEFAULT 0,
	path TEXT NOT NULL,
	dump TEXT NOT NULL,
	dump_bytes BIGINT NOT NULL DEFAULT 0,
	dump_format TEXT,
	dump_complete INTEGER NOT NULL DEFAULT 0,
	purged BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX crashes_time ON crashes (time, id);
CREATE INDEX crashes_host ON crashes (host_id, time, id);
CREATE INDEX crashes_reason ON crashes (reason_id, time, id);
CREATE INDEX crashes_model ON crashes (model_id, time, id);
CREATE INDEX crashes_kernel ON crashes (kernel, time, id);
CREATE INDEX crashes_new ON crashes (time, id) WHERE is_new = 1;
CREATE INDEX crashes_boot ON crashes (boot_id);

-- The heavy parts of a crash: record.json byte for byte, analysis.txt, log.
CREATE TABLE crash_parts (
	crash_id BIGINT NOT NULL REFERENCES crashes (id),
	part TEXT NOT NULL,
	encoding TEXT NOT NULL,
	size BIGINT NOT NULL,
	data @blob@ NOT NULL,
	PRIMARY KEY (crash_id, part)
);

-- Folders of the repository that were taken in; a crash that came by several roads has several.
CREATE TABLE folders (
	path TEXT PRIMARY KEY,
	crash_id BIGINT NOT NULL REFERENCES crashes (id),
	time BIGINT NOT NULL,
	has_dump INTEGER NOT NULL,
	dump_bytes BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX folders_crash ON folders (crash_id);
CREATE INDEX folders_dumps ON folders (time, path) WHERE has_dump = 1;

-- Folders that could not be read, and why; tried again when the stamp has changed.
CREATE TABLE rejects (
	path TEXT PRIMARY KEY,
	stamp TEXT NOT NULL,
	why TEXT NOT NULL,
	first_seen BIGINT NOT NULL,
	last_seen BIGINT NOT NULL
);
