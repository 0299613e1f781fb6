/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The socket that the server listens at. It is our own, so that a port in use is told apart from every other failure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lut/base/text.h"
#include "server/http/internal.h"

enum { BACKLOG = 1024 };

/* "127.0.0.1:8420" or "[::1]:8420". */
static enum lathe_status resolve(const char *listen, struct sockaddr_storage *out, socklen_t *out_size,
                                 struct lathe_error *err)
{
    char host[256];
    const char *colon = strrchr(listen, ':');
    uint64_t port;
    size_t length = colon ? (size_t)(colon - listen) : 0;
    bool bracketed = length > 2 && listen[0] == '[' && listen[length - 1] == ']';
    if (!colon || length == 0 || length >= sizeof host || !text_to_u64(colon + 1, strlen(colon + 1), &port) ||
        port > 65535 || (!bracketed && memchr(listen, ':', length)))
        return error_field(err, "listen",
                           "--listen must be HOST:PORT, for example 127.0.0.1:8420 or [::1]:8420, not %.100s", listen);
    snprintf(host, sizeof host, "%.*s", (int)(length - 2 * bracketed), listen + bracketed);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    int rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc) return error_field(err, "listen", "can't find the address of %s: %s", host, gai_strerror(rc));
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *out_size = found->ai_addrlen;
    freeaddrinfo(found);
    return LATHE_OK;
}

enum lathe_status listen_open(const char *text, int *out, struct lathe_error *err)
{
    struct sockaddr_storage address = {0};
    socklen_t size = 0;
    enum lathe_status st = resolve(text, &address, &size, err);
    if (st) return st;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, BACKLOG) == 0) {
        *out = fd;
        return LATHE_OK;
    }
    int reason = errno;
    if (fd >= 0) close(fd);
    if (reason == EADDRINUSE)
        return error_set(err, LATHE_CONFLICT,
                         "%s is in use: stop what listens there, or choose another port with --listen", text);
    return error_set(err, LATHE_IO, "can't listen at %s: %s", text, strerror(reason));
}

void listen_address(int fd, bool tls, char *out, size_t size)
{
    struct sockaddr_storage at = {0};
    socklen_t at_size = sizeof at;
    char host[INET6_ADDRSTRLEN] = "";
    char port[8] = "";
    getsockname(fd, (struct sockaddr *)&at, &at_size);
    getnameinfo((struct sockaddr *)&at, at_size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = at.ss_family == AF_INET6;
    snprintf(out, size, "http%s://%s%s%s:%s", tls ? "s" : "", v6 ? "[" : "", host, v6 ? "]" : "", port);
}
