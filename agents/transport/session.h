/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A conversation with a runner over a link, in the wire protocol: hello, open a runtime, build networks, run them.
 * The host drives: every call is requests and replies with bounded waits; requests are repeated when no reply comes.
 *
 * Threads: a session belongs to one thread at a time. */
#ifndef LATHE_TRANSPORT_SESSION_H
#define LATHE_TRANSPORT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/transport/transport.h"
#include "lut/layer/layer.h"

struct session;

/* What to run networks with: the parsed form of a table's config. */
struct runtime_config {
    char runtime[32];
    enum dtype dtype;
    int threads, batch; /* 1..64 */
};
/** Parse "<runtime>-<dtype>-t<threads>-b<batch>". LATHE_INVALID (field "config") otherwise. */
enum lathe_status runtime_config_parse(const char *config, struct runtime_config *out, struct lathe_error *err);

/* Raw samples of one visit. */
struct visit_samples {
    int layers, runs;
    uint32_t *wall_ns;   /* [runs][layers] */
    uint32_t *cpu_ns;    /* [runs][layers] thread CPU time; 0 where the runner can't tell */
    uint8_t *preempted;  /* [runs][layers] involuntary context switches, saturating at 255 */
    uint64_t *total_ns;  /* [runs] whole run, from before the first layer to after the last */
    uint64_t elapsed_ns; /* set-up, warm-up and runs, by the runner's clock */
};
void visit_samples_clear(struct visit_samples *);

/** Open the link, say hello, open the runtime. The link's errors pass through: a missing program is LATHE_NOT_FOUND. */
enum lathe_status session_open(const struct transport *, const char *const *argv, const struct runtime_config *,
                               struct session **out, struct lathe_error *err);
void session_close(struct session *);

/* What a session may be told otherwise. */
struct session_options {
    int hello_ms;         /* for the runner to start and say hello, in all; 0: 10 s */
    int reply_ms;         /* until an unanswered request is repeated; four times, then it has failed; 0: 2 s. Over a
                           * lossy transport: what a request and its reply take on the line, for 20 s */
    int run_ms;           /* for one visit; 0: a minute, and a second more for each run */
    uint32_t seed;        /* of weights and inputs */
    const char *governor; /* of the device's clocks; NULL or "": as it is. Borrowed during the call that opens */
    uint32_t khz;         /* to lock the clock to; 0: as it is */
    const struct transport_options *transport; /* borrowed while opening; NULL: none */
};
/** Say hello, and no more: which runner is there? Nothing can be run in such a session. */
enum lathe_status session_greet(const struct transport *, const char *const *argv, const struct session_options *,
                                struct session **out, struct lathe_error *err);
/** As session_open(), which has all defaults. @param options NULL: defaults. */
enum lathe_status session_open_with(const struct transport *, const char *const *argv, const struct runtime_config *,
                                    const struct session_options *, struct session **out, struct lathe_error *err);

/** The fingerprint's fields as the runner tells them, "key=value" lines ("runner=..", "runtime=xnnpack 0.0~git..",
 *  "cpu=..", "kernel=..", "governor=.."); borrowed, in the runner's order, NULL-ended. */
const char *const *session_fingerprint(const struct session *);

/* What times count. Cycles are turned into nanoseconds; instructions stay as they are, one for each nanosecond. */
enum session_clock { SESSION_WALL_NS, SESSION_CYCLES, SESSION_INSTRUCTIONS };
enum session_clock session_clock(const struct session *);

/* What a microcontroller is; as BOARD of the wire protocol. */
struct session_board {
    char board[32], core[32], timer[32];
    uint32_t core_hz, timer_hz; /* timer_hz: 0 where times count instructions */
    uint32_t sram_bytes, flash_bytes, arena_bytes, code_bytes;
    bool emulated;
    char fault[64]; /* what ended its run before this one; "": nothing */
};
/** Borrowed. @return NULL: the runner is no board. */
const struct session_board *session_board(const struct session *);
/** What HELLO told of it: "lathe-firmware 0.1.0". Borrowed. */
const char *session_runner(const struct session *);
const char *session_build_id(const struct session *);

/* How a device is at a moment. 0: unknown. */
struct device_state {
    uint16_t temperature_dk;         /* tenths of a kelvin */
    uint32_t khz, busy_khz, max_khz; /* clock now, on average since the last look, and at most */
    uint64_t available_kib;
    double others_share; /* 0..1 of its cores since the last look; below 0: unknown */
    uint32_t throttles;  /* so far */
};
/** Ask the runner how its device is. @return LATHE_UNSUPPORTED when it can't tell; the session goes on. */
enum lathe_status session_state(struct session *, struct device_state *out, struct lathe_error *err);

/** How many networks the runner keeps: 1 to 4096. */
int session_network_count(const struct session *);
/** Build a network under an id (below session_network_count(); an id in use is rebuilt). Weights of a layer at a
 * position that an earlier network of this session had are not packed again. @return LATHE_UNSUPPORTED, LATHE_NO_MEMORY
 * (does not fit). */
enum lathe_status session_prepare(struct session *, int network, const struct layer *, int count,
                                  struct lathe_error *err);
/** Bytes that a network needs which session_prepare() said does not fit, the last one; 0: unknown. */
uint64_t session_needed_bytes(const struct session *);
/* What the last session_prepare() came to. */
struct session_build {
    uint64_t arena_bytes, weight_bytes; /* activations and weights of that network */
    uint32_t packed, reused;            /* layers whose weights were packed for it, and those that were there */
};
struct session_build session_last_build(const struct session *);
/** Drop all networks and packed weights. */
enum lathe_status session_reset(struct session *, struct lathe_error *err);

/** Visit a network: set up, warm up, timed runs. @param per_layer timestamps between layers; without them only total_ns
 *  is filled and layers is 0. @param[out] out visit_samples_clear() it. */
enum lathe_status session_run(struct session *, int network, int warmup, int runs, bool per_layer,
                              struct visit_samples *out, struct lathe_error *err);
/** CRC-32 of the last visit's output tensor, as it is in the runner's memory. */
uint32_t session_output_crc(const struct session *);
/** Read that tensor. @param[out] bytes the caller frees it. */
enum lathe_status session_output(struct session *, void **bytes, size_t *n, struct lathe_error *err);

#endif
