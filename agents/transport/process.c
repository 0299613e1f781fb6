/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The child's standard input is a socket, since a pipe would raise SIGPIPE when the child is gone; its standard output
 * and error are pipes, both watched while reading. It has a process group of its own: an interrupt typed at the agent's
 * terminal ends the agent, which then ends the child. */
#include "agents/transport/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lut/base/clock.h"

enum { WRITE_TIMEOUT_MS = 10000, END_TIMEOUT_MS = 2000, EXIT_GRACE_MS = 1000 };

struct link {
    pid_t pid;
    int in, out, log_end; /* ours of the child's standard input, output and error; -1 once closed */
    bool exited;
    int status; /* of waitpid(), once exited */
    char *name;
    process_explain *explain;
    char log[PROCESS_LOG_BYTES]; /* the end of what came on its standard error */
    size_t log_size;
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
    close_fd(&l->log_end);
    free(l->name);
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
    l->log_end = pair[0];
    child->log = pair[1];
    return fcntl(l->log_end, F_SETFL, O_NONBLOCK) == 0;
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

/* A child inherits the processors of the thread that starts it. @return as spawn(). */
static int spawn_on(struct link *l, const struct child_ends *child, const struct process_spec *spec)
{
    cpu_set_t own;
    if (!spec->cpus) return spawn(l, child, spec->argv);
    if (sched_getaffinity(0, sizeof own, &own) || sched_setaffinity(0, sizeof *spec->cpus, spec->cpus)) return errno;
    int code = spawn(l, child, spec->argv);
    sched_setaffinity(0, sizeof own, &own);
    return code;
}

enum lathe_status process_open(const struct process_spec *spec, struct link **out, int *code, struct lathe_error *err)
{
    struct child_ends child = {-1, -1, -1};
    struct link *l = calloc(1, sizeof *l);
    *code = 0;
    if (!l) return error_set(err, LATHE_NO_MEMORY, "out of memory for a link");
    l->in = l->out = l->log_end = -1;
    l->name = strdup(spec->name);
    l->explain = spec->explain;
    enum lathe_status st = LATHE_OK;
    if (!l->name) st = error_set(err, LATHE_NO_MEMORY, "out of memory for a link");
    if (!st && !make_channels(l, &child))
        st = error_set(err, LATHE_IO, "failed to make pipes for %s: %s", l->name, strerror(errno));
    if (!st) *code = spawn_on(l, &child, spec);
    if (*code) st = error_set(err, LATHE_IO, "failed to start %s: %s", l->name, strerror(*code));
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

/* Take in what the child wrote to its standard error, as far as it is there; the oldest makes room. */
static void drain_log(struct link *l)
{
    char bytes[512];
    ssize_t n = 0;
    while (l->log_end >= 0 && (n = read(l->log_end, bytes, sizeof bytes)) > 0) {
        size_t size = (size_t)n;
        size_t room = sizeof l->log - 1 - l->log_size;
        size_t drop = size > room ? size - room : 0;
        memmove(l->log, l->log + drop, l->log_size - drop);
        l->log_size -= drop;
        memcpy(l->log + l->log_size, bytes, size);
        l->log_size += size;
        l->log[l->log_size] = '\0';
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) close_fd(&l->log_end);
}

void process_explain_by(struct link *l, process_explain *explain)
{
    drain_log(l);
    l->explain = explain;
    l->log_size = 0;
    l->log[0] = '\0';
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

bool process_wait(struct link *l, int timeout_ms)
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

/* The last line that says something. */
static void last_line(const char *log, char out[PROCESS_LINE_BYTES])
{
    const char *end = log + strlen(log);
    while (end > log && isspace((unsigned char)end[-1])) end--;
    const char *start = end;
    while (start > log && start[-1] != '\n') start--;
    snprintf(out, PROCESS_LINE_BYTES, "%.*s", (int)(end - start), start);
}

enum lathe_status process_ended(struct link *l, struct lathe_error *err)
{
    struct process_end end = {.name = l->name, .exited = process_wait(l, EXIT_GRACE_MS), .status = l->status};
    drain_log(l);
    last_line(l->log, end.line);
    end.log = l->log;
    if (l->explain) {
        enum lathe_status st = l->explain(&end, err);
        if (st) return st;
    }
    char how[64] = "closed its output";
    if (end.exited && WIFEXITED(end.status))
        snprintf(how, sizeof how, "ended with exit status %d", WEXITSTATUS(end.status));
    else if (end.exited)
        snprintf(how, sizeof how, "was ended by signal %d (%s)", WTERMSIG(end.status), strsignal(WTERMSIG(end.status)));
    return error_set(err, LATHE_IO, "%s %s%s%s", l->name, how, end.line[0] ? ": " : "", end.line);
}

enum lathe_status process_write(struct link *l, const void *bytes, size_t n, struct lathe_error *err)
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
        if (sent < 0 && errno != EAGAIN) return process_ended(l, err);
        struct pollfd p = {.fd = l->in, .events = POLLOUT};
        if (poll(&p, 1, remaining_ms(deadline)) == 0)
            return error_set(err, LATHE_TIMEOUT, "%s does not read its input", l->name);
    }
    return LATHE_OK;
}

enum lathe_status process_read(struct link *l, void *bytes, size_t n, int timeout_ms, size_t *got,
                               struct lathe_error *err)
{
    uint64_t deadline = deadline_after(timeout_ms);
    for (;;) {
        struct pollfd p[2] = {{.fd = l->out, .events = POLLIN}, {.fd = l->log_end, .events = POLLIN}};
        int ready = poll(p, 2, remaining_ms(deadline));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return error_set(err, LATHE_IO, "failed to wait for %s: %s", l->name, strerror(errno));
        if (ready == 0) return error_set(err, LATHE_TIMEOUT, "no answer from %s", l->name);
        if (p[1].revents) drain_log(l);
        if (!p[0].revents) continue;
        ssize_t size = read(l->out, bytes, n);
        if (size > 0) {
            *got = (size_t)size;
            return LATHE_OK;
        }
        if (size < 0 && errno == EINTR) continue;
        return process_ended(l, err);
    }
}

void process_end_input(struct link *l)
{
    close_fd(&l->in);
}

void process_close(struct link *l)
{
    if (!l) return;
    process_end_input(l); /* a runner that listens ends by itself at this */
    if (!process_wait(l, 0)) {
        kill(-l->pid, SIGTERM);
        if (!process_wait(l, END_TIMEOUT_MS)) {
            kill(-l->pid, SIGKILL);
            waitpid(l->pid, &l->status, 0);
        }
    }
    free_link(l);
}
