/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/mlperf_tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"

enum { LINE_BYTES = 512, WORD_BYTES = 128, HELLO_MS = 10000, ASK_MS = 2000, TRIES = 3, LAPS = 2 };

struct mlperf_tiny {
    const struct transport *transport;
    struct link *link;
    char name[WORD_BYTES], profile[WORD_BYTES], model[WORD_BYTES];
    char received[256];
    size_t size, used;
};

/* What the lines of an answer came to. */
struct answer {
    const char *want;  /* the beginning of the line without which "m-ready" is another answer's end */
    const char *first; /* where laps are counted: from the line that begins so; NULL: nowhere */
    bool wanted, counting;
    char error[WORD_BYTES]; /* of "e-[...]"; "": none */
    uint64_t laps[LAPS];
    int lap_count;
};

const char *mlperf_tiny_name(const struct mlperf_tiny *t)
{
    return t->name;
}

const char *mlperf_tiny_profile(const struct mlperf_tiny *t)
{
    return t->profile;
}

const char *mlperf_tiny_model(const struct mlperf_tiny *t)
{
    return t->model;
}

static enum lathe_status read_line(struct mlperf_tiny *t, uint64_t deadline_ns, char line[LINE_BYTES],
                                   struct lathe_error *err)
{
    size_t n = 0;
    for (;;) {
        if (t->used == t->size) {
            uint64_t now = clock_now_ns();
            int ms = now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
            t->used = t->size = 0;
            enum lathe_status st = t->transport->read(t->link, t->received, sizeof t->received, ms, &t->size, err);
            if (st) return st;
            if (now >= deadline_ns) return error_set(err, LATHE_TIMEOUT, "the board prints without end");
        }
        char c = t->received[t->used++];
        if (c == '\r' || c == '\0') continue;
        if (c == '\n') break;
        if (n + 1 < LINE_BYTES) line[n++] = c;
    }
    line[n] = '\0';
    return LATHE_OK;
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* The text of "prefix[text]". */
static void take_word(const char *line, const char *prefix, char out[WORD_BYTES])
{
    if (!begins(line, prefix)) return;
    const char *text = line + strlen(prefix);
    const char *end = strrchr(text, ']');
    if (end) snprintf(out, WORD_BYTES, "%.*s", (int)(end - text), text);
}

static void take_lap(const char *line, struct answer *a)
{
    static const char lap[] = "m-lap-us-";
    uint64_t us = 0;
    if (!a->counting || !begins(line, lap)) return;
    const char *digits = line + strlen(lap);
    if (a->lap_count < LAPS && text_to_u64(digits, strlen(digits), &us)) a->laps[a->lap_count] = us;
    a->lap_count++;
}

static void take_line(struct mlperf_tiny *t, const char *line, struct answer *a)
{
    take_word(line, "m-name-dut-[", t->name);
    take_word(line, "m-profile-[", t->profile);
    take_word(line, "m-model-[", t->model);
    take_word(line, "e-[", a->error);
    if (a->first && begins(line, a->first)) a->counting = true;
    take_lap(line, a);
    if (begins(line, a->want)) a->wanted = true;
}

/* One command, once. What the board said before, a greeting after a reset, ends in "m-ready", too. */
static enum lathe_status ask_once(struct mlperf_tiny *t, const char *command, int ms, struct answer *a,
                                  struct lathe_error *err)
{
    char line[LINE_BYTES];
    uint64_t deadline = clock_now_ns() + (uint64_t)ms * 1000000u;
    a->wanted = a->counting = false;
    a->error[0] = '\0';
    a->lap_count = 0;
    enum lathe_status st = t->transport->write(t->link, command, strlen(command), err);
    while (!st) {
        st = read_line(t, deadline, line, err);
        if (st) break;
        take_line(t, line, a);
        if (!begins(line, "m-ready")) continue;
        if (a->wanted) return LATHE_OK;
        if (a->error[0]) return error_set(err, LATHE_IO, "the board said %s to %s", a->error, command);
    }
    if (st == LATHE_TIMEOUT)
        return error_set(err, st, "the board did not answer %s within %d ms: does it run MLPerf Tiny's firmware?",
                         command, ms);
    return st;
}

static enum lathe_status say_hello(struct mlperf_tiny *t, int hello_ms, struct lathe_error *err)
{
    struct answer a = {.want = "m-name-dut-["};
    int each = hello_ms / TRIES > ASK_MS ? ASK_MS : hello_ms / TRIES;
    uint64_t end = clock_now_ns() + (uint64_t)hello_ms * 1000000u;
    enum lathe_status st;
    do st = ask_once(t, "name%", each, &a, err);
    while ((st == LATHE_TIMEOUT || (st == LATHE_IO && a.error[0])) && clock_now_ns() < end);
    return st;
}

enum lathe_status mlperf_tiny_open(const struct transport *transport, const struct transport_options *options,
                                   int hello_ms, struct mlperf_tiny **out, struct lathe_error *err)
{
    struct answer a = {.want = "m-model-["};
    struct mlperf_tiny *t = calloc(1, sizeof *t);
    if (!t) return error_set(err, LATHE_NO_MEMORY, "out of memory for a link");
    t->transport = transport;
    enum lathe_status st = transport->open(NULL, options, &t->link, err);
    if (st) {
        free(t);
        return st;
    }
    st = say_hello(t, hello_ms > 0 ? hello_ms : HELLO_MS, err);
    for (int i = 0; !st && i < TRIES && !t->model[0]; i++) {
        st = ask_once(t, "profile%", ASK_MS, &a, err);
        /* Older firmware has no model to tell. */
        if (st == LATHE_IO && a.error[0]) st = LATHE_OK;
    }
    if (st) mlperf_tiny_close(t);
    else *out = t;
    return st;
}

void mlperf_tiny_close(struct mlperf_tiny *t)
{
    if (!t) return;
    t->transport->close(t->link);
    free(t);
}

enum lathe_status mlperf_tiny_infer(struct mlperf_tiny *t, int n, int warmup, int limit_ms, uint64_t *ns,
                                    struct lathe_error *err)
{
    char command[48];
    struct answer a = {.want = "m-infer-done", .first = "m-infer-start"};
    snprintf(command, sizeof command, "infer %d %d%%", n, warmup);
    for (int i = 0; i < TRIES; i++) {
        enum lathe_status st = ask_once(t, command, limit_ms, &a, err);
        if (st == LATHE_IO && a.error[0]) continue;
        if (st) return st;
        if (a.lap_count == 0)
            return error_set(
                err, LATHE_UNSUPPORTED,
                "the board prints no times: its firmware was built to measure energy (EE_CFG_ENERGY_MODE)");
        if (a.lap_count != LAPS) continue;
        /* A counter of 32 bits turns over after 71 minutes. */
        uint64_t us = a.laps[1] >= a.laps[0] ? a.laps[1] - a.laps[0] : (uint32_t)(a.laps[1] - a.laps[0]);
        if (!us) return error_set(err, LATHE_IO, "%d inferences took no time by the board's clock", n);
        *ns = us * 1000;
        return LATHE_OK;
    }
    return error_set(err, LATHE_IO, "the board's answers to %s were damaged %d times: %s", command, TRIES,
                     a.error[0] ? a.error : "times are missing");
}
