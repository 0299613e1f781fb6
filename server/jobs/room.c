/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/room.h"

#include "server/store/store.h"

static uint64_t bytes_at(const json_t *board, const char *name)
{
    json_int_t bytes = json_integer_value(json_object_get(board, name));
    return bytes > 0 ? (uint64_t)bytes : 0;
}

bool room_of_device(const json_t *device, struct board_room *out)
{
    const json_t *board = json_object_get(device, "board");
    uint64_t arena = bytes_at(board, "arena_bytes");
    uint64_t flash = bytes_at(board, "flash_bytes");
    uint64_t code = bytes_at(board, "code_bytes");
    if (!arena || !flash) return false;
    *out = (struct board_room){.arena_bytes = arena, .flash_bytes = flash > code ? flash - code : 0};
    return true;
}

bool room_look_up(struct kv_txn *txn, const char *device, struct board_room *out)
{
    json_t *document = NULL;
    if (store_get(txn, "device", device, &document, NULL)) return false;
    bool is_board = room_of_device(document, out);
    json_decref(document);
    return is_board;
}
