/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* One request and its reply over a link: framed, repeated while no reply comes, matched by nonce, number and CRC.
 * Threads: as the link. */
#ifndef LATHE_TRANSPORT_EXCHANGE_H
#define LATHE_TRANSPORT_EXCHANGE_H

#include "agents/transport/transport.h"
#include "agents/wire/message.h"

struct exchange {
    const struct transport *transport;
    struct link *link;
    struct wire_decoder decoder;
    uint32_t nonce;
    uint16_t seq;           /* of the last request */
    uint8_t received[1024]; /* read from the link, not yet decoded */
    size_t received_size, received_used;
    uint64_t noise_bytes;  /* received since the last intact frame */
    uint64_t needed_bytes; /* that the last "no memory" told; 0: unknown */
    bool resent;           /* the last request had to be repeated */
    uint8_t request[WIRE_MESSAGE_BYTES];
};

/* How long to wait: first_ms after the request, then repeat it and wait repeat_ms, until `attempts` were sent, or
 * total_ms are over. */
struct patience {
    int first_ms, repeat_ms;
    int most_ms;  /* waits after repeats double up to it; 0: they stay as they are */
    int attempts; /* 0: as many as total_ms has room for */
    int total_ms; /* 0: the attempts count */
};

void exchange_init(struct exchange *, const struct transport *, struct link *);
/** Begin a request: the payload goes where the cursor points. */
struct wire_cursor exchange_begin(struct exchange *, enum wire_type);
/** Send it and wait for the answer.
 *  @param[out] reply a cursor over the answer's payload, good until the next exchange.
 *  @return LATHE_TIMEOUT, LATHE_IO (the link ended, or what comes is not the protocol), or what the runner's error
 * says. */
enum lathe_status exchange_finish(struct exchange *, const struct wire_cursor *request, const struct patience *,
                                  struct wire_cursor *reply, struct lathe_error *err);

#endif
