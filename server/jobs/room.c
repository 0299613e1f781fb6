/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/room.h"

#include "lut/layer/board_memory.h"
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

void room_of_layers(const json_t *layers, struct board_room *out)
{
    size_t i;
    const json_t *text;
    *out = (struct board_room){0};
    json_array_foreach(layers, i, text)
    {
        struct layer layer;
        if (layer_parse(json_string_value(text), &layer, NULL) || board_layer_refusal(&layer)) continue;
        uint64_t bytes = board_layer_arena_bytes(&layer);
        if (bytes > out->arena_bytes) out->arena_bytes = bytes;
        out->flash_bytes += board_layer_flash_bytes(&layer);
    }
}
