/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/client_open.h"

static const char *either(const char *option, const struct ey_config *config, const char *key)
{
	return option ? option : ey_config_string(config, "client", key, NULL);
}

struct ey_error *client_open(const struct client_choice *choice, const struct ey_config *config,
			     struct client **ret)
{
	struct client_options options = {
		.url = either(choice->center, config, "url"),
		.token_file = either(choice->token_file, config, "token_file"),
		.ca_file = either(choice->ca_file, config, "ca_file"),
		// A record with a long log is larger than answers usually are.
		.answer_max = 256 << 20,
	};

	if (!options.url)
		options.url = "http://127.0.0.1:8420";
	return client_create(&options, ret);
}
