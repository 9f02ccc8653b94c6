-- SPDX-License-Identifier: GPL-2.0-or-later
-- A mail that some recipients' servers took and others not yet is sent again only to the latter.
-- Empty: to all that the configuration names.
ALTER TABLE outbox ADD COLUMN recipients TEXT NOT NULL DEFAULT '';
