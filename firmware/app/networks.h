/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The networks of a session: lists of layers in one pool, and the one that is being described, behind them.
 * Threads: main's. */
#ifndef LATHE_FIRMWARE_NETWORKS_H
#define LATHE_FIRMWARE_NETWORKS_H

#include "agents/wire/message.h"
#include "lut/layer/layer.h"

enum { NETWORKS_MAX = 32, NETWORK_LAYERS_MAX = 256 };

struct network {
    const struct wire_layer *layers;
    int count; /* 0: there is none */
};

void networks_clear(void);

/* The calls below say why not: a static or passed-in text, and the code for the wire. */
struct refusal {
    enum wire_error_code code;
    uint64_t detail;
    char text[120];
};

/** Begin to describe a network; drops what was described of another one. @return false: refusal is filled. */
bool networks_begin(const struct wire_net_begin *, struct refusal *);
/** Its next layers. */
bool networks_add(const struct wire_net_layers *, struct refusal *);
/** Put it in place of the one that has its number, if it fits the board. What was described is spent either way. */
bool networks_build(const struct wire_net_build *, struct wire_net_build_reply *, struct refusal *);
/** @return the network, count 0 when there is none. Borrowed until the next call of another function. */
struct network networks_find(int number);
/** The one that was built last, count 0 when there is none. */
struct network networks_last(void);

/** Layer i of a network. */
struct layer network_layer(const struct network *, int i);
/** Equal layers before layer i. */
int network_occurrence(const struct network *, int i);
/** Bytes of the last layer's output. */
uint32_t network_output_bytes(const struct network *);

#endif
