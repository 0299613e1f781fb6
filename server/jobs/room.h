/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a microcontroller has for a network, as its device's document says: {"board":{"arena_bytes","flash_bytes",
 * "code_bytes",..}}. What networks need says lut/layer/board_memory.h. Threads: plain values. */
#ifndef LATHE_JOBS_ROOM_H
#define LATHE_JOBS_ROOM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lut/kv/kv.h"

/* The firmware's arena, and the flash that the firmware itself leaves. */
struct board_room {
    uint64_t arena_bytes, flash_bytes;
};

/** @param device a device's document; NULL is allowed. @return false when it is no board: out untouched. */
bool room_of_device(const json_t *device, struct board_room *out);
/** The same of a device in the store; one that is not there is no board. */
bool room_look_up(struct kv_txn *, const char *device, struct board_room *out);
/** What a network needs. @param layers canonical texts; those that no board runs count for nothing. */
void room_of_layers(const json_t *layers, struct board_room *out);

#endif
