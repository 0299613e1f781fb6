/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of a session: session.c opens it and builds networks, session_visit.c runs them. */
#ifndef LATHE_TRANSPORT_SESSION_INTERNAL_H
#define LATHE_TRANSPORT_SESSION_INTERNAL_H

#include "agents/transport/exchange.h"
#include "agents/transport/session.h"

struct session {
    struct exchange x;
    struct session_options options;
    struct wire_hello_reply hello;
    char **fingerprint; /* NULL-ended */
    struct session_build build;
    struct session_board board;
    bool is_board;
    uint32_t output_bytes, output_crc;
    uint64_t *macs;    /* of each network, with its warm-up and timed runs what a visit costs */
    double ms_per_mac; /* that visits took so far, the slowest; 0: none yet */
    bool broken;       /* the link is of no more use */
};

/** How long to wait for an answer. @param work_ms the longest that the work may take that was asked for; 0: it is none
 * to speak of. @param likely_ms what it will take; 0: unknown. */
struct patience session_patience(const struct session *, int work_ms, int likely_ms);
/** Ask, and wait so long. The link is broken after a failure that is no answer of the runner. @param[out] reply a
 * cursor over the answer's payload, good until the next question. */
enum lathe_status session_ask_patiently(struct session *, const struct wire_cursor *request, const struct patience *,
                                        struct wire_cursor *reply, struct lathe_error *err);
/** The same, with session_patience(s, work_ms, 0). */
enum lathe_status session_ask(struct session *, const struct wire_cursor *request, int work_ms,
                              struct wire_cursor *reply, struct lathe_error *err);
/** Whether the answer was all of it, and nothing is left over; LATHE_IO. */
enum lathe_status session_check_reply(struct session *, const struct wire_cursor *, struct lathe_error *err);
/** LATHE_IO once the link is broken. */
enum lathe_status session_check_open(const struct session *, struct lathe_error *err);

#endif
