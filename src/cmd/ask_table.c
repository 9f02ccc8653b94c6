/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line asks of the API, and what it says of itself. */
#include <string.h>

#include "cmd/ask.h"

#define COMMON                                                                           \
	"\nOptions of all:\n"                                                            \
	"  --center URL       the center, in place of [client] url\n"                    \
	"  --token-file FILE  file with an API token, in place of [client] token_file\n" \
	"  --ca-file FILE     authorities to trust, in place of [client] ca_file\n"      \
	"  --config FILE      read this in place of /etc/eyrie/eyrie.conf\n"             \
	"  --json             the API's JSON as it is\n"                                 \
	"  --help             this help\n"                                               \
	"\nTimes are 2026-11-23, 2026-11-23T14:35:46Z (UTC), or -24h for so long ago.\n" \
	"\nExit codes: 0 done; 1 usage; 2 refused or not there; 3 could not reach the\n" \
	"center, safe to try again.\n"
#define LISTS                                                       \
	"\nOptions of list:\n"                                      \
	"  --limit N          rows, 50 unless told, at most 1000\n" \
	"  --all              all pages, not only the first\n"

static const struct ask_column crash_columns[] = {
	{"ID", "id", true},   {"TIME", "time"},	    {"HOST", "host.name"}, {"SITE", "host.site"},
	{"KERNEL", "kernel"}, {"TRIAGE", "triage"}, {"TITLE", "title"},	   {0}};
static const struct ask_column reason_columns[] = {{"ID", "id", true},
						   {"LAST SEEN", "last_seen"},
						   {"CRASHES", "crashes", true},
						   {"HOSTS", "hosts", true},
						   {"STATE", "state"},
						   {"TITLE", "title"},
						   {0}};
static const struct ask_column issue_columns[] = {{"ID", "id", true},
						  {"UPDATED", "updated"},
						  {"STATE", "state"},
						  {"OWNER", "owner"},
						  {"CRASHES", "crashes", true},
						  {"TITLE", "title"},
						  {0}};
static const struct ask_column host_columns[] = {{"ID", "id", true},
						 {"NAME", "name"},
						 {"SITE", "site"},
						 {"LAST SEEN", "last_seen"},
						 {"CRASHES", "crashes", true},
						 {"KERNEL", "kernel"},
						 {"MODEL", "model.product"},
						 {0}};
static const struct ask_column alert_columns[] = {{"ID", "id", true},
						  {"SINCE", "since"},
						  {"STATE", "state"},
						  {"SCOPE", "scope"},
						  {"SUBJECT", "subject.name"},
						  {"SUMMARY", "summary"},
						  {0}};

static const struct ask_verb crash_verbs[] = {{"list", ASK_LIST, "/api/v1/crashes", "crashes",
					       crash_columns,
					       "since until host hostname site model vendor "
					       "product firmware kernel kernel_version machine "
					       "reason issue alert reason_state triage verdict "
					       "kind function guilty module signature comm "
					       "taint engine corrupted dump q"},
					      {"show", ASK_SHOW, "/api/v1/crashes/%s"},
					      {"log", ASK_TEXT, "/api/v1/crashes/%s/log"},
					      {"analysis", ASK_TEXT, "/api/v1/crashes/%s/analysis"},
					      {"record", ASK_TEXT, "/api/v1/crashes/%s/record"},
					      {0}};
static const struct ask_verb reason_verbs[] = {
	{"list", ASK_LIST, "/api/v1/reasons", "reasons", reason_columns,
	 "order state issue has_issue kind function module kernel q seen_since seen_until "
	 "first_seen_since first_seen_until min_crashes min_hosts host model"},
	{"show", ASK_SHOW, "/api/v1/reasons/%s"},
	{0}};
static const struct ask_verb issue_verbs[] = {
	{"list", ASK_LIST, "/api/v1/issues", "issues", issue_columns,
	 "state open owner vendor vendor_case changed_since changed_until q"},
	{"show", ASK_SHOW, "/api/v1/issues/%s"},
	{"create", ASK_CHANGE, "/api/v1/issues",
	 .options = "title state owner vendor vendor_case link upstream notes why reason",
	 .who = true},
	{"set", ASK_CHANGE, "/api/v1/issues/%s",
	 .options = "title state owner vendor vendor_case link upstream notes why version",
	 .who = true},
	{"comment", ASK_CHANGE, "/api/v1/issues/%s/comments", .argument = "text", .who = true},
	{"assign", ASK_CHANGE, "/api/v1/issues/%s/reasons", .options = "add remove why",
	 .who = true},
	{"fix", ASK_CHANGE, "/api/v1/issues/%s/fixes",
	 .options = "distribution package format fixed_in remove why", .who = true},
	{"rule", ASK_CHANGE, "/api/v1/issues/%s/rules",
	 .options = "kind function module remove why", .who = true},
	{0}};
static const struct ask_verb host_verbs[] = {
	{"list", ASK_LIST, "/api/v1/hosts", "hosts", host_columns,
	 "order site hostname model vendor product firmware kernel reason seen_since seen_until "
	 "min_crashes life q"},
	{"show", ASK_SHOW, "/api/v1/hosts/%s"},
	{"life", ASK_CHANGE, "/api/v1/hosts/%s/life", .options = "why", .argument = "life",
	 .who = true},
	{0}};
static const struct ask_verb alert_verbs[] = {
	{"list", ASK_LIST, "/api/v1/alerts", "alerts", alert_columns,
	 "state scope subject acknowledged since until"},
	{"show", ASK_SHOW, "/api/v1/alerts/%s"},
	{"ack", ASK_CHANGE, "/api/v1/alerts/%s/ack", .who = true},
	{0}};
static const struct ask_verb overview_verbs[] = {{"", ASK_SHOW, "/api/v1/overview"}, {0}};
static const struct ask_verb events_verbs[] = {
	{"", ASK_FOLLOW, "/api/v1/events", .options = "last_id"}, {0}};

static const struct ask_noun nouns[] = {
	{"crash",
	 "Usage: eyrie crash list [OPTION...]\n"
	 "       eyrie crash show|log|analysis|record ID\n"
	 "       eyrie crash open ID (see eyrie crash open --help)\n"
	 "\n"
	 "Crashes at the center: the list, the newest first; one with all that is known of it; "
	 "its\n"
	 "kernel log, its analysis, and its record.json byte for byte.\n" LISTS
	 "  --since TIME --until TIME\n"
	 "  --host ID --hostname NAME --site SITE --model ID --vendor TEXT --product TEXT\n"
	 "  --firmware VERSION --kernel RELEASE --kernel-version PART --machine ARCH\n"
	 "  --reason ID --issue ID --alert ID --reason-state STATE --verdict new|known\n"
	 "  --triage new|under-investigation|already-patched|regression|hardware\n"
	 "  --kind KIND --function NAME (ext4_*: those that begin so) --guilty NAME\n"
	 "  --module NAME --signature KEY --comm NAME --taint LETTERS --engine NAME\n"
	 "  --corrupted 0|1 --dump none|kept|skipped|purged --q TEXT\n" COMMON "\nExamples:\n"
	 "  eyrie crash list --since -24h --kernel 6.1.0-56-amd64\n"
	 "  eyrie crash log 4711\n",
	 crash_verbs},
	{"reason",
	 "Usage: eyrie reason list [OPTION...]\n"
	 "       eyrie reason show ID\n"
	 "\n"
	 "Reasons: what crashes are counted under.\n" LISTS
	 "  --order last_seen|first_seen|crashes|hosts\n"
	 "  --state STATE --issue ID --has-issue 0|1 --kind KIND --function NAME --module NAME\n"
	 "  --kernel RELEASE --seen-since TIME --seen-until TIME --first-seen-since TIME\n"
	 "  --first-seen-until TIME --min-crashes N --min-hosts N --host ID --model ID --q "
	 "TEXT\n" COMMON "\nExample:\n"
	 "  eyrie reason list --first-seen-since -7d --order hosts\n",
	 reason_verbs},
	{"issue",
	 "Usage: eyrie issue list [OPTION...]\n"
	 "       eyrie issue show ID\n"
	 "       eyrie issue create --title TEXT [FIELD...] [--reason ID] [--why TEXT]\n"
	 "       eyrie issue set ID [FIELD...] [--version N] [--why TEXT]\n"
	 "       eyrie issue comment ID TEXT\n"
	 "       eyrie issue assign ID --add REASON | --remove REASON\n"
	 "       eyrie issue fix ID --distribution D --package P --format dpkg|rpm --fixed-in "
	 "VERSION\n"
	 "       eyrie issue fix ID --remove FIX\n"
	 "       eyrie issue rule ID [--kind KIND] [--function PATTERN] [--module PATTERN]\n"
	 "       eyrie issue rule ID --remove RULE\n"
	 "       eyrie issue export|import (see eyrie-issue(1))\n"
	 "\n"
	 "Known issues: what people know of bugs. FIELD is --title, --state, --owner, --vendor,\n"
	 "--vendor-case, --link, --upstream or --notes TEXT. States: new, investigating, "
	 "reported,\n"
	 "fix-available, rolled-out, resolved, wont-fix, hardware. With --version a change is "
	 "refused\n"
	 "where somebody else changed the issue since that version.\n" LISTS
	 "  --state STATE --open 0|1 --owner NAME --vendor NAME --vendor-case NUMBER\n"
	 "  --changed-since TIME --changed-until TIME --q TEXT\n"
	 "\nOptions of changes:\n"
	 "  --who NAME         in whose name; your login name unless told or signed in\n" COMMON
	 "\nExample:\n"
	 "  eyrie issue set 12 --state fix-available --upstream 0123456789ab --why 'in 6.1.200'\n",
	 issue_verbs},
	{"host",
	 "Usage: eyrie host list [OPTION...]\n"
	 "       eyrie host show ID\n"
	 "       eyrie host life ID production|maintenance|lab|decommissioned [--why TEXT]\n"
	 "\n"
	 "Hosts at the center: the list, one with its history, and what it is for now.\n" LISTS
	 "  --order last_seen|crashes --site SITE --hostname NAME (web-*: those that begin so)\n"
	 "  --model ID --vendor TEXT --product TEXT --firmware VERSION --kernel RELEASE\n"
	 "  --reason ID --seen-since TIME --seen-until TIME --min-crashes N --q TEXT\n"
	 "  --life production|maintenance|lab|decommissioned\n"
	 "\nOptions of changes:\n"
	 "  --who NAME         in whose name; your login name unless told or signed in\n" COMMON
	 "\nExample:\n"
	 "  eyrie host list --hostname 'web-*' --min-crashes 3\n",
	 host_verbs},
	{"alert",
	 "Usage: eyrie alert list [OPTION...]\n"
	 "       eyrie alert show|ack ID\n"
	 "\n"
	 "Alerts: the list, one with its crashes, and taking one on.\n" LISTS
	 "  --state active|firing|acknowledged|resolved --scope host|model|reason --subject ID\n"
	 "  --acknowledged 0|1 --since TIME --until TIME\n"
	 "\nOptions of ack:\n"
	 "  --who NAME         in whose name; your login name unless told or signed in\n" COMMON
	 "\nExample:\n"
	 "  eyrie alert list --state firing\n",
	 alert_verbs},
	{"overview",
	 "Usage: eyrie overview [OPTION...]\n"
	 "\n"
	 "The whole fleet at a glance: counts, alerts, jobs, the latest.\n" COMMON "\nExample:\n"
	 "  eyrie overview\n",
	 overview_verbs},
	{"events",
	 "Usage: eyrie events [OPTION...]\n"
	 "\n"
	 "Follow what happens, a line each, until interrupted: crashes, new reasons, alerts, "
	 "changes\n"
	 "of issues, jobs. A lost connection is made again, and nothing is left out.\n"
	 "\nOptions:\n"
	 "  --last-id ID       begin after this event, in place of now\n" COMMON "\nExample:\n"
	 "  eyrie events --json\n",
	 events_verbs},
};

const struct ask_noun *ask_noun_find(const char *name)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		if (!strcmp(nouns[i].name, name))
			return &nouns[i];
	}
	return NULL;
}
