/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A serial port with a program, or the test itself, as the board at its other end: a pseudo-terminal under a name that
 * libserialport takes. Tests that use it are linked with terminal_shim.c. */
#ifndef LATHE_TESTS_TERMINAL_H
#define LATHE_TESTS_TERMINAL_H

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
    char folder[32], port[80];
    int board; /* the board's end */
    int keep;  /* of the host's end, so that the board sees no hang-up between openings; -1: unplugged */
    pid_t pid; /* of the program; 0: none */
};

/* @param argv NULL: the test is the board. */
static inline void terminal_start(struct terminal *t, const char *const *argv)
{
    struct termios raw;
    char link[64];
    *t = (struct terminal){.folder = "/tmp/lathe-tty-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(t->folder));
    t->board = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(t->board, 0);
    ck_assert_int_eq(grantpt(t->board), 0);
    ck_assert_int_eq(unlockpt(t->board), 0);
    t->keep = open(ptsname(t->board), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(t->keep, 0);
    ck_assert_int_eq(tcgetattr(t->keep, &raw), 0);
    cfmakeraw(&raw);
    ck_assert_int_eq(tcsetattr(t->keep, TCSANOW, &raw), 0);
    snprintf(link, sizeof link, "%.31s/tty0", t->folder);
    ck_assert_int_eq(symlink(ptsname(t->board), link), 0);
    /* The same file from /dev, where libserialport opens, and from /sys/class/tty, where it looks for a link. */
    snprintf(t->port, sizeof t->port, "/dev/../../..%.60s", link);
    if (!argv) return;
    t->pid = fork();
    ck_assert_int_ge(t->pid, 0);
    if (t->pid == 0) {
        dup2(t->board, STDIN_FILENO);
        dup2(t->board, STDOUT_FILENO);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
}

/* The port goes, as when a plug is pulled. */
static inline void terminal_unplug(struct terminal *t)
{
    if (t->pid) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, 0);
        t->pid = 0;
    }
    if (t->board >= 0) close(t->board);
    if (t->keep >= 0) close(t->keep);
    t->board = t->keep = -1;
}

static inline void terminal_stop(struct terminal *t)
{
    char link[64];
    if (!t->folder[0]) return;
    terminal_unplug(t);
    snprintf(link, sizeof link, "%.31s/tty0", t->folder);
    unlink(link);
    rmdir(t->folder);
    *t = (struct terminal){.board = -1, .keep = -1};
}

#endif
