/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A runner as a child process. Its standard input is a socket, since a pipe would raise SIGPIPE when the child is gone;
 * its standard output and error are pipes, both watched while reading. It has a process group of its own: an interrupt
 * typed at the agent's terminal ends the agent, which then ends the runner. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/transport/transport.h"
#include "lut/base/clock.h"

enum { WRITE_TIMEOUT_MS = 10000, END_TIMEOUT_MS = 2000, LINE_BYTES = 256 };

struct link {
    pid_t pid;
    int in, out, log; /* ours of the child's standard input, output and error; -1 once closed */
    bool exited;
    int status; /* of waitpid(), once exited */
    char *program;
    char line[LINE_BYTES]; /* of its standard error: the last whole one, then what came of the next */
    char partial[LINE_BYTES];
    size_t partial_size;
};

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void free_link(struct link *l)
{
    close_fd(&l->in);
    close_fd(&l->out);
    close_fd(&l->log);
    free(l->program);
    free(l);
}

/* The child's ends, between making and spawning. */
struct child_ends {
    int in, out, log;
};

static bool make_channels(struct link *l, struct child_ends *child)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
    l->in = pair[0];
    child->in = pair[1];
    if (pipe2(pair, O_CLOEXEC)) return false;
    l->out = pair[0];
    child->out = pair[1];
    if (pipe2(pair, O_CLOEXEC)) return false;
    l->log = pair[0];
    child->log = pair[1];
    return fcntl(l->log, F_SETFL, O_NONBLOCK) == 0;
}

/* @return 0 or an errno. */
static int spawn(struct link *l, const struct child_ends *child, const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    int code = posix_spawn_file_actions_init(&actions);
    if (code) return code;
    code = posix_spawnattr_init(&attributes);
    if (code) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    code = posix_spawn_file_actions_adddup2(&actions, child->in, STDIN_FILENO);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, child->out, STDOUT_FILENO);
    if (!code) code = posix_spawn_file_actions_adddup2(&actions, child->log, STDERR_FILENO);
    if (!code) code = posix_spawnattr_setsigmask(&attributes, &none);
    if (!code) code = posix_spawnattr_setsigdefault(&attributes, &usual);
    if (!code) code = posix_spawnattr_setpgroup(&attributes, 0);
    if (!code)
        code = posix_spawnattr_setflags(&attributes,
                                        POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!code) code = posix_spawnp(&l->pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

static enum lathe_status spawn_error(const char *program, int code, struct lathe_error *err)
{
    if (code == ENOENT || code == ENOTDIR)
        return error_set(err, LATHE_NOT_FOUND,
                         "no runner at %s: build or install lathe-run, or point to it with --runner", program);
    return error_set(err, LATHE_IO, "failed to start the runner %s: %s", program, strerror(code));
}

static enum lathe_status local_open(const char *const *argv, struct link **out, struct lathe_error *err)
{
    struct child_ends child = {-1, -1, -1};
    struct link *l = calloc(1, sizeof *l);
    if (!l) return error_set(err, LATHE_NO_MEMORY, "out of memory for a link");
    l->in = l->out = l->log = -1;
    l->program = strdup(argv[0]);
    enum lathe_status st = LATHE_OK;
    if (!l->program) st = error_set(err, LATHE_NO_MEMORY, "out of memory for a link");
    if (!st && !make_channels(l, &child))
        st = error_set(err, LATHE_IO, "failed to make pipes for the runner: %s", strerror(errno));
    if (!st) {
        int code = spawn(l, &child, argv);
        if (code) st = spawn_error(argv[0], code, err);
    }
    close_fd(&child.in);
    close_fd(&child.out);
    close_fd(&child.log);
    if (st) {
        free_link(l);
        return st;
    }
    *out = l;
    return LATHE_OK;
}

/* Take in what the child wrote to its standard error, as far as it is there. */
static void drain_log(struct link *l)
{
    char bytes[512];
    ssize_t n = 0;
    while (l->log >= 0 && (n = read(l->log, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (bytes[i] != '\n') {
                if (l->partial_size + 1 < sizeof l->partial) l->partial[l->partial_size++] = bytes[i];
                continue;
            }
            if (l->partial_size) memcpy(l->line, l->partial, l->partial_size);
            if (l->partial_size) l->line[l->partial_size] = '\0';
            l->partial_size = 0;
        }
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(&l->log);
}

static int remaining_ms(uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();
    return now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
}

static uint64_t deadline_after(int timeout_ms)
{
    return clock_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
}

/* Wait for the child to end. @return whether it has. */
static bool wait_for_exit(struct link *l, int timeout_ms)
{
    if (l->exited) return true;
    uint64_t deadline = deadline_after(timeout_ms);
    int fd = pidfd_open(l->pid, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (fd >= 0 && poll(&p, 1, remaining_ms(deadline)) < 0 && errno == EINTR) continue;
    if (fd >= 0) close(fd);
    /* Without pidfds (an old kernel) this asks once, and the caller goes on to SIGKILL. */
    l->exited = waitpid(l->pid, &l->status, WNOHANG) == l->pid;
    return l->exited;
}

/* The error of a link whose other side is gone. */
static enum lathe_status ended(struct link *l, struct lathe_error *err)
{
    char how[64] = "closed its output";
    if (wait_for_exit(l, 200)) {
        if (WIFEXITED(l->status)) snprintf(how, sizeof how, "ended with exit status %d", WEXITSTATUS(l->status));
        else
            snprintf(how, sizeof how, "was ended by signal %d (%s)", WTERMSIG(l->status),
                     strsignal(WTERMSIG(l->status)));
    }
    drain_log(l);
    if (!l->line[0] && l->partial_size) {
        memcpy(l->line, l->partial, l->partial_size);
        l->line[l->partial_size] = '\0';
    }
    return error_set(err, LATHE_IO, "the runner %s %s%s%s", l->program, how, l->line[0] ? ": " : "", l->line);
}

static enum lathe_status local_write(struct link *l, const void *bytes, size_t n, struct lathe_error *err)
{
    const char *at = bytes;
    uint64_t deadline = deadline_after(WRITE_TIMEOUT_MS);
    while (n) {
        ssize_t sent = send(l->in, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            at += sent;
            n -= (size_t)sent;
            continue;
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return ended(l, err);
        struct pollfd p = {.fd = l->in, .events = POLLOUT};
        if (poll(&p, 1, remaining_ms(deadline)) == 0)
            return error_set(err, LATHE_TIMEOUT, "the runner %s does not read its input", l->program);
    }
    return LATHE_OK;
}

static enum lathe_status local_read(struct link *l, void *bytes, size_t n, int timeout_ms, size_t *got,
                                    struct lathe_error *err)
{
    uint64_t deadline = deadline_after(timeout_ms);
    for (;;) {
        struct pollfd p[2] = {{.fd = l->out, .events = POLLIN}, {.fd = l->log, .events = POLLIN}};
        int ready = poll(p, 2, remaining_ms(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return error_set(err, LATHE_IO, "failed to wait for the runner: %s", strerror(errno));
        if (ready == 0) return error_set(err, LATHE_TIMEOUT, "no answer from the runner %s", l->program);
        if (p[1].revents) drain_log(l);
        if (!p[0].revents) continue;
        ssize_t size = read(l->out, bytes, n);
        if (size > 0) {
            *got = (size_t)size;
            return LATHE_OK;
        }
        if (size < 0 && errno == EINTR) continue;
        return ended(l, err);
    }
}

static void local_close(struct link *l)
{
    if (!l) return;
    close_fd(&l->in); /* a runner that listens ends by itself at this */
    if (!wait_for_exit(l, 0)) {
        kill(-l->pid, SIGTERM);
        if (!wait_for_exit(l, END_TIMEOUT_MS)) {
            kill(-l->pid, SIGKILL);
            waitpid(l->pid, &l->status, 0);
        }
    }
    free_link(l);
}

const struct transport local_transport = {
    .name = "local",
    .open = local_open,
    .write = local_write,
    .read = local_read,
    .close = local_close,
};
