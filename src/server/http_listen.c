/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/cleanup.h"

struct ey_error *http_listen(const char *address, uint16_t port, int *fd_ret, uint16_t *port_ret)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool v6 = inet_pton(AF_INET6, address, &a6.sin6_addr) == 1;

	if (!v6 && inet_pton(AF_INET, address, &a4.sin_addr) != 1)
		return ey_error_create(
			EY_ERR_USAGE, "cannot listen on \"%s\": not a numeric IP address", address);
	_cleanup_close_ int fd =
		socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot make a socket");
	int one = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	struct sockaddr *sa = v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	socklen_t len = v6 ? sizeof(a6) : sizeof(a4);
	if (bind(fd, sa, len) < 0 || listen(fd, 512) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot listen on %s port %u", address,
				      port);
	if (getsockname(fd, sa, &len) < 0)
		return ey_error_errno(EY_ERR_IO, errno, "cannot ask for the port");
	*port_ret = ntohs(v6 ? a6.sin6_port : a4.sin_port);
	*fd_ret = no_cleanup_fd(fd);
	return NULL;
}
