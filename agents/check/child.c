/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/check/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lut/base/clock.h"

enum { WRITE_TIMEOUT_MS = 5000, STOP_TIMEOUT_MS = 2000, LINE_BYTES = 200 };

/* Standard input is a socket: writing to a program that is gone then raises no SIGPIPE. */
struct child {
    pid_t pid;
    int in, out, log; /* ours of its standard input, output and error; -1 once closed */
    bool exited;
    int status;            /* of waitpid(), once exited */
    char line[LINE_BYTES]; /* the last line of its standard error that is not empty */
    size_t line_size;
    bool line_ended; /* the next byte begins another line */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void free_child(struct child *c)
{
    close_fd(&c->in);
    close_fd(&c->out);
    close_fd(&c->log);
    free(c);
}

/* The child's ends of the three channels, -1 once closed. */
struct ends {
    int in, out, log;
};

static bool make_channels(struct child *c, struct ends *theirs)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    c->in = pair[0];
    theirs->in = pair[1];
    if (pipe2(pair, O_CLOEXEC)) return false;
    c->out = pair[0];
    theirs->out = pair[1];
    if (pipe2(pair, O_CLOEXEC)) return false;
    c->log = pair[0];
    theirs->log = pair[1];
    return fcntl(c->log, F_SETFL, O_NONBLOCK) == 0;
}

/* @return 0 or an errno. */
static int spawn_with(struct child *c, const posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                      const char *const *argv)
{
    sigset_t none;
    sigset_t usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    int code = posix_spawnattr_setsigmask(attributes, &none);
    if (!code) code = posix_spawnattr_setsigdefault(attributes, &usual);
    if (!code) code = posix_spawnattr_setpgroup(attributes, 0);
    if (!code)
        code = posix_spawnattr_setflags(attributes,
                                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (code) return code;
    return posix_spawnp(&c->pid, argv[0], actions, attributes, (char *const *)(uintptr_t)argv, environ);
}

/* @return 0 or an errno. */
static int spawn(struct child *c, const struct ends *theirs, const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code) return code;
    code = posix_spawnattr_init(&attributes);
    if (code) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    code = posix_spawn_file_actions_adddup2(&actions, theirs->in, STDIN_FILENO);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, theirs->out, STDOUT_FILENO);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, theirs->log, STDERR_FILENO);
    if (!code) code = spawn_with(c, &actions, &attributes, argv);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

enum lathe_status child_start(const char *const *argv, struct child **out, struct lathe_error *err)
{
    struct ends theirs = {-1, -1, -1};
    int code = 0;
    struct child *c = calloc(1, sizeof *c);
    if (!c) return error_set(err, LATHE_NO_MEMORY, "out of memory for a program");
    c->in = c->out = c->log = -1;
    if (make_channels(c, &theirs)) code = spawn(c, &theirs, argv);
    else code = errno;
    close_fd(&theirs.in);
    close_fd(&theirs.out);
    close_fd(&theirs.log);
    if (code) {
        free_child(c);
        return error_set(err, code == ENOENT ? LATHE_NOT_FOUND : LATHE_IO, "can't start %s: %s", argv[0],
                         strerror(code));
    }
    *out = c;
    return LATHE_OK;
}

static void take_log(struct child *c, char byte)
{
    if (byte == '\n') {
        c->line_ended = true;
        return;
    }
    if (c->line_ended) c->line_size = 0;
    c->line_ended = false;
    if (c->line_size + 1 < sizeof c->line) c->line[c->line_size++] = byte;
}

/* Take in what it wrote to its standard error, as far as it is there. */
static void drain_log(struct child *c)
{
    char bytes[512];
    ssize_t n = 0;
    while (c->log >= 0 && (n = read(c->log, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++) take_log(c, bytes[i]);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(&c->log);
}

static uint64_t deadline_after(int timeout_ms)
{
    return clock_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
}

static int remaining_ms(uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();
    return now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
}

bool child_wait(struct child *c, int timeout_ms)
{
    if (c->exited) return true;
    uint64_t deadline = deadline_after(timeout_ms);
    int fd = pidfd_open(c->pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (fd >= 0 && poll(&p, 1, remaining_ms(deadline)) < 0 && errno == EINTR) continue;
    if (fd >= 0) close(fd);
    c->exited = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
    return c->exited;
}

void child_end_input(struct child *c)
{
    close_fd(&c->in);
}

void child_stop(struct child *c)
{
    if (!c) return;
    child_end_input(c);
    if (!child_wait(c, 0)) {
        kill(-c->pid, SIGTERM);
        if (!child_wait(c, STOP_TIMEOUT_MS)) {
            kill(-c->pid, SIGKILL);
            waitpid(c->pid, &c->status, 0);
        }
    }
    free_child(c);
}

static enum lathe_status ended(struct child *c, struct lathe_error *err)
{
    char how[96] = "it closed its output";
    if (child_wait(c, 1000)) {
        if (WIFEXITED(c->status)) snprintf(how, sizeof how, "it ended with exit status %d", WEXITSTATUS(c->status));
        else
            snprintf(how, sizeof how, "it was ended by signal %d (%s)", WTERMSIG(c->status),
                     strsignal(WTERMSIG(c->status)));
    }
    drain_log(c);
    return error_set(err, LATHE_IO, "%s%s%.*s", how, c->line_size ? ": " : "", (int)c->line_size, c->line);
}

enum lathe_status child_write(struct child *c, const void *bytes, size_t n, struct lathe_error *err)
{
    const char *at = bytes;
    uint64_t deadline = deadline_after(WRITE_TIMEOUT_MS);
    while (n) {
        ssize_t sent = send(c->in, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            n -= (size_t)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return ended(c, err);
        struct pollfd p = {.fd = c->in, .events = POLLOUT};
        if (poll(&p, 1, remaining_ms(deadline)) == 0)
            return error_set(err, LATHE_TIMEOUT, "it does not read its input");
    }
    return LATHE_OK;
}

enum lathe_status child_read(struct child *c, void *bytes, size_t n, int timeout_ms, size_t *got,
                             struct lathe_error *err)
{
    uint64_t deadline = deadline_after(timeout_ms);
    for (;;) {
        struct pollfd p[2] = {{.fd = c->out, .events = POLLIN}, {.fd = c->log, .events = POLLIN}};
        int ready = poll(p, 2, remaining_ms(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return error_set(err, LATHE_IO, "failed to wait for it: %s", strerror(errno));
        if (ready == 0) return error_set(err, LATHE_TIMEOUT, "nothing came");
        if (p[1].revents) drain_log(c);
        if (!p[0].revents) continue;
        ssize_t size = read(c->out, bytes, n);
        if (size > 0) {
            *got = (size_t)size;
            return LATHE_OK;
        }
        if (size < 0 && errno == EINTR) continue;
        return ended(c, err);
    }
}
