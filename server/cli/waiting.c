/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Waiting that a signal ends, so that what is waited for can be told about first. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "server/cli/cli.h"

static const int signals[] = {SIGINT, SIGTERM};
enum { SIGNALS = sizeof signals / sizeof signals[0] };

static volatile sig_atomic_t interrupted;
static struct sigaction before[SIGNALS];
static size_t caught;

static void on_signal(int signal_number)
{
    interrupted = signal_number;
}

void waiting_begin(bool and_term)
{
    const struct sigaction catch = {.sa_handler = on_signal};
    interrupted = 0;
    caught = and_term ? SIGNALS : 1;
    for (size_t i = 0; i < caught; i++) {
        sigaction(signals[i], &catch, &before[i]);
        if (before[i].sa_handler == SIG_IGN) sigaction(signals[i], &before[i], NULL);
    }
}

void waiting_end(void)
{
    for (size_t i = 0; i < caught && i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
    caught = 0;
}

int waiting_interrupted(void)
{
    return interrupted;
}

void waiting_pause(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR && !interrupted) continue;
}

void duration_print(double seconds, char *out, size_t size)
{
    long s = (long)(seconds + 0.5);
    if (s < 60) snprintf(out, size, "%ld s", s);
    else if (s < 3600) snprintf(out, size, "%ld min %02ld s", s / 60, s % 60);
    else snprintf(out, size, "%ld h %02ld min", s / 3600, s % 3600 / 60);
}
