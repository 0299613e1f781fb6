/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A link that is a child process, spoken to over its standard input and output. What it writes to its standard error is
 * kept for the errors. Transports that start a program are made of this.
 *
 * Threads: a link belongs to one thread at a time. */
#ifndef LATHE_TRANSPORT_PROCESS_H
#define LATHE_TRANSPORT_PROCESS_H

#include <sched.h>
#include <stdbool.h>

#include "agents/transport/transport.h"

enum { PROCESS_LOG_BYTES = 4096, PROCESS_LINE_BYTES = 256 };

/* How a child came to its end. */
struct process_end {
    const char *name;              /* of the spec */
    bool exited;                   /* else it has closed its output and goes on running */
    int status;                    /* of waitpid(), when exited */
    const char *log;               /* the last of its standard error */
    char line[PROCESS_LINE_BYTES]; /* the last line of that; "" when it said nothing */
};

/** Say in err what an end means. @return LATHE_OK: nothing particular; the usual words are used. */
typedef enum lathe_status process_explain(const struct process_end *, struct lathe_error *err);

struct process_spec {
    const char *const *argv;  /* program, looked up in PATH, and arguments, NULL-ended */
    const cpu_set_t *cpus;    /* processors that it may run on; NULL: this thread's */
    const char *name;         /* how errors call it: "the runner /usr/bin/lathe-run"; copied */
    process_explain *explain; /* NULL: the usual words */
};

/** Start it. @param[out] code of the error when the operating system did not start the program, else 0. */
enum lathe_status process_open(const struct process_spec *, struct link **out, int *code, struct lathe_error *err);
/* As struct transport has them. */
enum lathe_status process_write(struct link *, const void *bytes, size_t n, struct lathe_error *err);
enum lathe_status process_read(struct link *, void *bytes, size_t n, int timeout_ms, size_t *got,
                               struct lathe_error *err);
void process_close(struct link *);
/** Close its standard input. */
void process_end_input(struct link *);
/** Wait for its end. @return whether it has ended. */
bool process_wait(struct link *, int timeout_ms);
/** Explain its end by another function from now on; what it wrote to its standard error so far has no part in that. */
void process_explain_by(struct link *, process_explain *);
/** The error of a child that is gone, or is of no more use. Never LATHE_OK. */
enum lathe_status process_ended(struct link *, struct lathe_error *err);

#endif
