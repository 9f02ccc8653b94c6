/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/watch.h"

#include <inttypes.h>
#include <stdio.h>

static void on_event(const struct monitor_event *e, void *arg)
{
	switch (e->what) {
	case MONITOR_RAISED:
		printf("alert %" PRId64 ": ", e->alert_id);
		break;
	case MONITOR_RESOLVED:
		printf("over, alert %" PRId64 ": ", e->alert_id);
		break;
	case MONITOR_NEW_REASON:
		printf("new reason %" PRId64 ": ", e->reason_id);
		break;
	}
	center_print_text(stdout, e->text);
	putchar('\n');
}

static void on_mail(const struct mailer_event *e, void *arg)
{
	fputs(e->error ? "not mailed: " : "mailed: ", stdout);
	center_print_text(stdout, e->subject);
	if (e->error) {
		fputs(": ", stdout);
		center_print_text(stdout, e->error);
	}
	putchar('\n');
}

struct ey_error *watch_run(struct center *center, bool no_mail, struct watch_result *ret)
{
	_cleanup_mailer_config_ struct mailer_config mailer = {0};
	struct monitor_options options = {.on_event = on_event};

	*ret = (struct watch_result){0};
	struct ey_error *err = monitor_options_load(&options, &center->config);
	if (!err)
		err = mailer_config_load(&mailer, &center->config);
	if (err)
		return err;
	if (!no_mail && !mail_is_on(&mailer.mail))
		puts("no mail: [mail] server is not set, see eyrie.conf(5)");
	options.no_mail = no_mail || !mail_is_on(&mailer.mail);
	err = monitor_run(center->db, &options, &ret->monitor);
	if (err || options.no_mail)
		return err;
	return mailer_run(center->db,
			  &(struct mailer_options){.config = &mailer, .on_mail = on_mail},
			  &ret->mailer);
}
