-- SPDX-License-Identifier: GPL-2.0-or-later
-- Known issues: what people know of a bug. An issue explains one reason or several.

CREATE TABLE issues (
	id @identity@,
	title TEXT NOT NULL,
	state TEXT NOT NULL,
	owner TEXT NOT NULL DEFAULT '',
	vendor TEXT NOT NULL DEFAULT '',
	vendor_case TEXT NOT NULL DEFAULT '',
	link TEXT NOT NULL DEFAULT '',
	upstream TEXT NOT NULL DEFAULT '',
	notes TEXT NOT NULL DEFAULT '',
	-- Grows with each change; who changes names the one that was read.
	version BIGINT NOT NULL DEFAULT 1,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL
);
CREATE INDEX issues_updated ON issues (updated, id);

ALTER TABLE reasons ADD COLUMN issue_id BIGINT REFERENCES issues (id);
CREATE INDEX reasons_issue ON reasons (issue_id);

-- Packages that hold the fix, the first version of each; format is 'dpkg' or 'rpm'.
CREATE TABLE issue_fixes (
	id @identity@,
	issue_id BIGINT NOT NULL REFERENCES issues (id),
	distribution TEXT NOT NULL,
	package TEXT NOT NULL,
	format TEXT NOT NULL,
	version TEXT NOT NULL,
	UNIQUE (issue_id, distribution, package)
);

-- Reasons seen for the first time that belong to the issue; '' is any, '*' and '?' as in a shell.
CREATE TABLE issue_rules (
	id @identity@,
	issue_id BIGINT NOT NULL REFERENCES issues (id),
	kind TEXT NOT NULL DEFAULT '',
	function TEXT NOT NULL DEFAULT '',
	module TEXT NOT NULL DEFAULT '',
	UNIQUE (issue_id, kind, function, module)
);

-- Every change of an issue and every comment, for good.
CREATE TABLE issue_history (
	id @identity@,
	issue_id BIGINT NOT NULL REFERENCES issues (id),
	time BIGINT NOT NULL,
	who TEXT NOT NULL,
	what TEXT NOT NULL,
	old_value TEXT NOT NULL DEFAULT '',
	new_value TEXT NOT NULL DEFAULT '',
	why TEXT NOT NULL DEFAULT ''
);
CREATE INDEX issue_history_issue ON issue_history (issue_id, id);
