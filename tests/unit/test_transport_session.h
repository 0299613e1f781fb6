/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Two small networks that share layers, and sessions with the real lathe-run. */
#ifndef LATHE_TESTS_TRANSPORT_SESSION_H
#define LATHE_TESTS_TRANSPORT_SESSION_H

#include <check.h>

#include "agents/transport/session.h"

static const char *const runner_argv[] = {LATHE_RUN, "serve", NULL};
/* Any runtime will do for what is tested here: reference is in every build. */
static const struct runtime_config plain = {"reference", DTYPE_F32, 1, 1};

static const char *const first_texts[] = {
    "conv2d in=32x32x3 out=16x16x16 k=3 s=2 act=hswish",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=3 s=1 act=relu res=1",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=3 s=1 act=relu res=1",
    "mbconv in=16x16x16 out=8x8x24 mid=64 k=5 s=2 act=relu se=16",
    "avgpool in=8x8x24 out=1x1x24",
    "linear in=1x1x24 out=1x1x100",
};
static const char *const second_texts[] = {
    "conv2d in=32x32x3 out=16x16x16 k=3 s=2 act=hswish",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=3 s=1 act=relu res=1",
    "mbconv in=16x16x16 out=8x8x24 mid=96 k=5 s=2 act=relu se=16",
    "avgpool in=8x8x24 out=1x1x24",
    "linear in=1x1x24 out=1x1x100",
};
enum { FIRST = 6, SECOND = 5 };

static inline const struct transport *local_link(void)
{
    const struct transport *t = transport_find("local");
    ck_assert_ptr_nonnull(t);
    return t;
}

static inline void parse_network(const char *const *texts, struct layer *layers, int count)
{
    struct lathe_error err = {0};
    for (int i = 0; i < count; i++)
        ck_assert_msg(layer_parse(texts[i], &layers[i], &err) == LATHE_OK, "%s", err.message);
}

static inline struct session *open_session(const struct transport *transport, const char *const *argv,
                                           const struct session_options *options)
{
    struct session *session = NULL;
    struct lathe_error err = {0};
    enum lathe_status st = session_open_with(transport, argv, &plain, options, &session, &err);
    ck_assert_msg(st == LATHE_OK, "%s", err.message);
    return session;
}

static inline void prepare(struct session *s, int network, const char *const *texts, int count)
{
    struct layer layers[FIRST];
    struct lathe_error err = {0};
    parse_network(texts, layers, count);
    ck_assert_msg(session_prepare(s, network, layers, count, &err) == LATHE_OK, "%s", err.message);
}

#endif
