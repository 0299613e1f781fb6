/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Results on their way to the server, and the lease that they belong to.
 *
 * A thread of the outbox's own sends what is there about every second, keeps each visit until the server has
 * acknowledged it, tries again with backoff while the server is away, and renews the lease in between: so that
 * measuring goes on whatever the network does. The outbox serves one lease at a time.
 *
 * Threads: one worker calls; the sender is inside. */
#ifndef LATHE_AGENT_OUTBOX_H
#define LATHE_AGENT_OUTBOX_H

#include <stdbool.h>

#include "agents/agent/api.h"

struct outbox;

enum outbox_state {
    OUTBOX_OPEN,
    OUTBOX_LOST,    /* the server says that the lease has ended: what was kept is dropped, since it is planned anew */
    OUTBOX_REFUSED, /* the server will never take it; see outbox_refusal() */
};

enum lathe_status outbox_new(const struct api_options *, struct outbox **out, struct lathe_error *err);
/** Stop the sender; what is not acknowledged is lost. NULL is allowed. */
void outbox_free(struct outbox *);

/** Start with a lease. Precondition: empty. */
void outbox_begin(struct outbox *, const char *lease, int64_t fence, int ttl_s);
/** What results go under from now on. @param fingerprint,board borrowed; board NULL: the device is none. */
void outbox_set_fingerprint(struct outbox *, const json_t *fingerprint, const json_t *board);
/** Tell the server what board it is, and wait until it has heard it: what a board has room for decides what it is
 * asked.
 *  @return false: the lease has ended, or `stop` is not 0. Without a board true at once. */
bool outbox_tell_board(struct outbox *, const atomic_int *stop);
/** Tell the server, with the next renewal, which is at once, what keeps the lease's work from going on. The same again
 *  is not told twice. */
void outbox_tell_trouble(struct outbox *, const char *why);
/** Add a visit's document. Waits while too much is kept already, until `stop` is not 0.
 *  @return false when it was not added: the lease has ended, or stop. */
bool outbox_add(struct outbox *, json_t *take_visit, const atomic_int *stop);
enum outbox_state outbox_state(struct outbox *);
/** Why the server refused. Borrowed, valid until the next outbox_begin(). */
const char *outbox_refusal(struct outbox *);
/** Send at once and wait until all is acknowledged or the lease has ended.
 *  @param stop when it is not 0, or becomes so, wait at most grace_ms more. @return false when time was up. */
bool outbox_flush(struct outbox *, const atomic_int *stop, int grace_ms);
/** No more of this lease: drop what is left. */
void outbox_end(struct outbox *);

#endif
