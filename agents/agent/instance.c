/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/instance.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lut/base/file.h"

/* 128 bits of a hash, as 32 digits. */
static void digest(const char *text, char out[33])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(out, 33, hash, 16);
}

/* The kernel's own name for its run: containers on one machine have it in common, as they have the processors. */
static void read_boot(char out[64])
{
    char *text = NULL;
    size_t size = 0;
    out[0] = '\0';
    if (!file_read("/proc/sys/kernel/random/boot_id", 63, &text, &size, NULL)) {
        text[strcspn(text, "\n")] = '\0';
        snprintf(out, 64, "%s", text);
        free(text);
    } else gethostname(out, 63);
    out[63] = '\0';
}

/* A socket in the abstract name space: the kernel frees it however the program ends, and it leaves no file. Its scope
 * is the network name space, which is thus part of the id. */
static enum lathe_status lock(const char *id, const char *name, const char *server, int *out, struct lathe_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "lathe-agent/%s", id);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return error_set(err, LATHE_IO, "can't make a socket: %s", strerror(errno));
    socklen_t size = (socklen_t)(sizeof address.sun_family + 1 + (size_t)n);
    if (bind(fd, (const struct sockaddr *)&address, size) == 0) {
        *out = fd;
        return LATHE_OK;
    }
    int code = errno;
    close(fd);
    if (code == EADDRINUSE)
        return error_set(err, LATHE_CONFLICT,
                         "another lathe-agent works as %s for %s on this machine: end it, or give this one another "
                         "--name and token",
                         name, server);
    return error_set(err, LATHE_IO, "can't claim the name %s: %s", name, strerror(code));
}

enum lathe_status instance_claim(const char *name, const char *server, struct instance *out, struct lathe_error *err)
{
    char boot[64];
    char space[64] = "";
    char text[1400];
    struct instance i = {.lock = -1};
    if (sodium_init() < 0) return error_set(err, LATHE_IO, "can't start libsodium");
    read_boot(boot);
    ssize_t n = readlink("/proc/self/ns/net", space, sizeof space - 1);
    space[n > 0 ? n : 0] = '\0';
    snprintf(text, sizeof text, "lathe machine %s", boot);
    digest(text, i.machine);
    snprintf(text, sizeof text, "lathe agent %s %s %u %s %s", boot, space, (unsigned)getuid(), name, server);
    digest(text, i.id);
    enum lathe_status st = lock(i.id, name, server, &i.lock, err);
    if (!st) *out = i;
    return st;
}

void instance_release(struct instance *i)
{
    if (i->lock >= 0) close(i->lock);
    i->lock = -1;
}
