/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address of a request: path, parameters and their values, as anybody may send them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/config.h"
#include "server/http.h"
#include "server/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_target_ struct server_target target = {0};
	char address[SERVER_ADDRESS_SIZE];
	uint16_t port;
	int64_t n;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	// As a header: Host, Origin, Accept-Encoding; as a setting: an address to listen on.
	http_host_is_ours(text, "eyrie.example.com");
	http_is_same_origin(NULL, text, "localhost");
	server_accepts(text, "gzip");
	ey_error_destroy(server_listen_parse(text, address, &port));
	free(text);

	struct ey_error *err = server_target_parse(&target, (const char *)data, size);
	if (err) {
		ey_error_destroy(err);
		return 0;
	}
	for (size_t i = 0; i < target.param_count; i++) {
		const char *name = target.params[i].name;

		ey_error_destroy(server_query_int(&target, name, 0, INT64_MAX, 0, &n));
		ey_error_destroy(server_query_time(&target, name, 0, &n));
		if (strlen(target.params[i].value) && !server_query_string(&target, name))
			abort();
	}
	return 0;
}
