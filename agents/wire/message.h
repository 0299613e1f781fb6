/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Messages of the wire protocol: what a frame holds. PROTOCOL.md has the bytes and the rules.
 *
 * Each message has a struct and one function that reads or writes it, as the cursor was made to: layout is written down
 * once. Integers are little-endian. Freestanding C11, as frame.h.
 * Threads: plain values. */
#ifndef LATHE_WIRE_MESSAGE_H
#define LATHE_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agents/wire/frame.h"

enum {
    WIRE_VERSION = 1,
    WIRE_REQUEST_HEADER = 7, /* nonce u32, seq u16, type u8 */
    WIRE_REPLY_HEADER = 11,  /* the same and the request's CRC, u32 */
    WIRE_REPLY_BIT = 0x80,   /* set in the type of a reply */
    WIRE_MIN_FRAME = 64,     /* every device takes frames of this size */
    WIRE_MAX_NETWORKS = 4096,
};

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_OPEN,
    WIRE_INFO,
    WIRE_NET_BEGIN,
    WIRE_NET_LAYERS,
    WIRE_NET_BUILD,
    WIRE_RUN,
    WIRE_FETCH,
    WIRE_OUTPUT,
    WIRE_RESET,
    WIRE_BYE,
    WIRE_STATE,
    WIRE_CLOCK,
    WIRE_BOARD,
    WIRE_TYPES,       /* one more than the last request */
    WIRE_ERROR = 0xff /* reply to any request */
};

enum wire_error_code {
    WIRE_E_VERSION = 1, /* detail: the version that the device speaks */
    WIRE_E_MALFORMED,   /* the payload is not what the type says */
    WIRE_E_SESSION,     /* no HELLO under this nonce, or a sequence number that is not new */
    WIRE_E_STATE,       /* not now: nothing is open, a network is unfinished */
    WIRE_E_INVALID,     /* a value is out of range, layers do not fit together */
    WIRE_E_UNSUPPORTED, /* known, but not by this runner or runtime */
    WIRE_E_NO_MEMORY,   /* detail: the bytes that would be needed */
    WIRE_E_NOT_FOUND,   /* no such network, or line */
    WIRE_E_FAILED,      /* the runtime failed */
};

enum wire_clock { WIRE_CLOCK_WALL_NS, WIRE_CLOCK_CYCLES, WIRE_CLOCK_INSTRUCTIONS };
enum wire_dtype { WIRE_F32, WIRE_INT8 };
enum wire_kind { WIRE_CONV2D, WIRE_MBCONV, WIRE_AVGPOOL, WIRE_LINEAR, WIRE_BOTTLENECK, WIRE_MAXPOOL, WIRE_KINDS };
enum wire_act { WIRE_ACT_NONE, WIRE_ACT_RELU, WIRE_ACT_RELU6, WIRE_ACT_HSWISH, WIRE_ACT_SWISH };
enum { WIRE_RUN_PER_LAYER = 1 }; /* flags of RUN */

/* Reads from or writes to a stretch of bytes. After a failure (too short, a text too long) later calls do nothing. */
struct wire_cursor {
    uint8_t *at, *end;
    bool writing, failed;
};

struct wire_cursor wire_writer(uint8_t *bytes, size_t capacity);
/** Reading leaves the bytes as they are. */
struct wire_cursor wire_reader(const uint8_t *bytes, size_t n);
/** Reading: whether everything was there and nothing is left over. */
bool wire_read_all(const struct wire_cursor *);

void wire_u8(struct wire_cursor *, uint8_t *);
void wire_u16(struct wire_cursor *, uint16_t *);
void wire_u32(struct wire_cursor *, uint32_t *);
void wire_u64(struct wire_cursor *, uint64_t *);
/** A text of less than capacity bytes, with a NUL in memory and a length byte on the wire. Writing cuts it to fit. */
void wire_text(struct wire_cursor *, char *text, size_t capacity);

struct wire_header {
    uint32_t nonce; /* names the session */
    uint16_t seq;   /* counts its requests */
    uint8_t type;
    uint32_t request_crc; /* replies: CRC-32 of the request's message */
};
void wire_request_header(struct wire_cursor *, struct wire_header *);
void wire_reply_header(struct wire_cursor *, struct wire_header *);

struct wire_hello {
    uint8_t version;
    uint16_t max_frame; /* that the host takes */
};
void wire_hello(struct wire_cursor *, struct wire_hello *);

struct wire_hello_reply {
    uint8_t version, clock;                       /* clock: enum wire_clock, the unit of all times */
    uint16_t max_frame, max_layers, max_networks; /* that the device takes */
    uint32_t boot;                                /* another value after every start of the device or program */
    uint64_t activation_limit, weight_limit;      /* bytes; 0: no fixed limit */
    char runner[32], build[32];                   /* "lathe-run 0.1.0", "a3f0.." */
};
void wire_hello_reply(struct wire_cursor *, struct wire_hello_reply *);

struct wire_open {
    char runtime[32];
    uint8_t dtype, threads, batch; /* dtype: enum wire_dtype */
    uint32_t seed;                 /* of weights and inputs */
};
void wire_open(struct wire_cursor *, struct wire_open *);

struct wire_open_reply {
    uint16_t info_lines;
};
void wire_open_reply(struct wire_cursor *, struct wire_open_reply *);

enum { WIRE_LINE_BYTES = 232 }; /* longest line of INFO and text of ERROR, with its NUL */

struct wire_info {
    uint16_t index;
};
struct wire_info_reply {
    uint16_t index;
    char line[WIRE_LINE_BYTES]; /* "key=value" */
};
void wire_info(struct wire_cursor *, struct wire_info *);
void wire_info_reply(struct wire_cursor *, struct wire_info_reply *);

struct wire_net_begin {
    uint16_t network, layers;
};
void wire_net_begin(struct wire_cursor *, struct wire_net_begin *);

struct wire_layer {
    uint8_t kind, act, kernel, stride, residual; /* kind: enum wire_kind; act: enum wire_act */
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c, mid, se;
};
enum { WIRE_LAYER_BYTES = 21, WIRE_LAYERS_PER_FRAME = 11 };
void wire_layer(struct wire_cursor *, struct wire_layer *);

struct wire_net_layers {
    uint16_t first; /* index of layers[0] */
    uint8_t count;
    struct wire_layer layers[WIRE_LAYERS_PER_FRAME];
};
void wire_net_layers(struct wire_cursor *, struct wire_net_layers *);

struct wire_net_build {
    uint16_t network;
};
struct wire_net_build_reply {
    uint64_t arena_bytes;    /* activations of this network */
    uint64_t weight_bytes;   /* weights of this network */
    uint32_t packed, reused; /* layers whose weights were made for it, and those that were there already */
};
void wire_net_build(struct wire_cursor *, struct wire_net_build *);
void wire_net_build_reply(struct wire_cursor *, struct wire_net_build_reply *);

struct wire_run {
    uint16_t network, warmup, runs;
    uint8_t flags;
};
struct wire_run_reply {
    uint16_t runs, layers; /* layers: 0 without per-layer times */
    uint32_t records;      /* runs * (layers + 1), for FETCH */
    uint32_t output_bytes, output_crc;
    uint64_t setup, elapsed; /* in clock units: the set-up, and the whole visit */
};
void wire_run(struct wire_cursor *, struct wire_run *);
void wire_run_reply(struct wire_cursor *, struct wire_run_reply *);

/* One record of samples. Record i belongs to run i / (layers + 1) and layer i % (layers + 1); where that equals layers,
 * it is the run's total: wall is then its time, and cpu is absent. */
struct wire_record {
    uint64_t wall; /* of a layer: 32 bits on the wire */
    uint32_t cpu;
    uint8_t preempted;
};
enum { WIRE_RECORD_BYTES = 9, WIRE_RECORDS_PER_FRAME = 25 };

struct wire_fetch {
    uint32_t first;
};
struct wire_fetch_reply {
    uint32_t first;
    uint16_t layers; /* as in RUN's reply */
    uint8_t count;
    struct wire_record records[WIRE_RECORDS_PER_FRAME];
};
void wire_fetch(struct wire_cursor *, struct wire_fetch *);
void wire_fetch_reply(struct wire_cursor *, struct wire_fetch_reply *);

/** How many records a reply to FETCH may have, and how many bytes one to OUTPUT, for the host's max frame of HELLO. */
uint8_t wire_records_in(uint16_t max_frame);
uint8_t wire_chunk_in(uint16_t max_frame);

enum { WIRE_CHUNK_BYTES = 224 };

struct wire_output {
    uint32_t offset;
};
struct wire_output_reply {
    uint32_t offset, total;
    uint8_t size;
    uint8_t bytes[WIRE_CHUNK_BYTES];
};
void wire_output(struct wire_cursor *, struct wire_output *);
void wire_output_reply(struct wire_cursor *, struct wire_output_reply *);

/* How the device is now. 0 is unknown but for others_permille. */
struct wire_state_reply {
    uint16_t temperature_dk;  /* tenths of a kelvin: the hottest sensor that belongs to the processor */
    uint32_t khz;             /* clock of the cores that the runner may use, on average, now */
    uint32_t busy_khz;        /* and since the last STATE */
    uint32_t max_khz;         /* that they could have */
    uint64_t available_kib;   /* memory that could be had */
    uint16_t others_permille; /* of those cores' time since the last STATE: what others took; WIRE_UNKNOWN_SHARE */
    uint32_t throttles;       /* times that the hardware has throttled these cores since it started */
};
enum { WIRE_UNKNOWN_SHARE = 0xffff };
void wire_state_reply(struct wire_cursor *, struct wire_state_reply *);

struct wire_clock_setting {
    char governor[32]; /* empty: leave it */
    uint32_t khz;      /* lock the clock; 0: leave it */
};
void wire_clock_setting(struct wire_cursor *, struct wire_clock_setting *);

enum { WIRE_BOARD_EMULATED = 1 }; /* flags of BOARD */

/* What a microcontroller is. */
struct wire_board_reply {
    char board[32], core[32], timer[32]; /* "netduinoplus2", "Cortex-M4F", "TIM2" */
    uint32_t core_hz, timer_hz;          /* timer_hz: clock units a second; 0 where they are instructions */
    uint32_t sram_bytes, flash_bytes;    /* that the chip has */
    uint32_t arena_bytes, code_bytes;    /* for activations; of flash, what is no layer's: program, blob */
    uint8_t flags;
    char fault[64]; /* what ended the run of the program before this one: "" a power-up or a reset that was asked for */
};
void wire_board_reply(struct wire_cursor *, struct wire_board_reply *);

struct wire_error {
    uint8_t code; /* enum wire_error_code */
    uint64_t detail;
    char text[WIRE_LINE_BYTES - 8];
};
void wire_error(struct wire_cursor *, struct wire_error *);

#endif
