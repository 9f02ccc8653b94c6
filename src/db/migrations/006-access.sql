-- SPDX-License-Identifier: GPL-2.0-or-later
-- Who may do what, and who did. Secrets stand here as hashes only: passwords as argon2id, the
-- others (long and random) as BLAKE2b in hexadecimal. Permissions are names between blanks.

CREATE TABLE users (
	id @identity@,
	name TEXT NOT NULL UNIQUE,
	-- viewer, engineer, operator or administrator, and permissions besides those of the role.
	role TEXT NOT NULL,
	grants TEXT NOT NULL DEFAULT '',
	-- '' signs in by the proxy only.
	password TEXT NOT NULL DEFAULT '',
	disabled BIGINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	password_changed BIGINT NOT NULL DEFAULT 0,
	last_sign_in BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE sessions (
	id @identity@,
	hash TEXT NOT NULL UNIQUE,
	user_id BIGINT NOT NULL REFERENCES users (id),
	address TEXT NOT NULL,
	created BIGINT NOT NULL,
	last_seen BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);

-- Attempts to sign in, of an account ('user') or from an address ('address'), since a time.
CREATE TABLE sign_in_attempts (
	kind TEXT NOT NULL,
	value TEXT NOT NULL,
	since BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	PRIMARY KEY (kind, value)
);

CREATE TABLE tokens (
	id @identity@,
	hash TEXT NOT NULL UNIQUE,
	user_id BIGINT NOT NULL REFERENCES users (id),
	name TEXT NOT NULL,
	scopes TEXT NOT NULL,
	created BIGINT NOT NULL,
	-- 0: never.
	expires BIGINT NOT NULL,
	last_used BIGINT NOT NULL DEFAULT 0,
	revoked BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_user ON tokens (user_id);

-- Keys by which hosts of a site get tokens of their own; max_uses 0: as often as wished.
CREATE TABLE enroll_keys (
	id @identity@,
	hash TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	site TEXT NOT NULL,
	max_uses BIGINT NOT NULL,
	uses BIGINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	revoked BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE host_tokens (
	id @identity@,
	hash TEXT NOT NULL UNIQUE,
	enroll_key_id BIGINT NOT NULL REFERENCES enroll_keys (id),
	site TEXT NOT NULL,
	hostname TEXT NOT NULL,
	machine_id TEXT NOT NULL,
	dmi_uuid TEXT NOT NULL,
	created BIGINT NOT NULL,
	-- A token that was replaced by rotation ends a little later; 0: never.
	expires BIGINT NOT NULL DEFAULT 0,
	last_used BIGINT NOT NULL DEFAULT 0,
	revoked BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX host_tokens_hostname ON host_tokens (hostname, id);

-- Rows are only ever added.
CREATE TABLE audit (
	id @identity@,
	time BIGINT NOT NULL,
	kind TEXT NOT NULL,
	who TEXT NOT NULL,
	address TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL
);
CREATE INDEX audit_time ON audit (time, id);
CREATE INDEX audit_who ON audit (who, time, id);
