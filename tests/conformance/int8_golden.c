/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What int8 is must not drift: tables are compared across versions and devices by the CRCs of outputs. Every case of
 * tests/cases/int8, which other programs made from the protocol's page. */
#include "agents/runner/core/network.h"
#include "agents/runner/core/rig.h"
#include "agents/wire/frame.h"
#include "check_main.h"
#include "conformance/int8_cases.h"

static uint32_t crc_of_weights(const struct int8_case *c)
{
    uint32_t crc = 0;
    for (int i = 0; i < c->count; i++) {
        struct weights w;
        int occurrence = network_occurrence(c->layers, i);
        ck_assert_int_eq(weights_make_int8(&c->layers[i], occurrence, c->seed, &w, NULL), LATHE_OK);
        for (int t = 0; t < TENSORS; t++) {
            const struct quant_tensor *tensor = &w.int8[t];
            crc = wire_crc32(crc, tensor->values, tensor->count);
            crc = wire_crc32(crc, tensor->scales, tensor->outputs * sizeof *tensor->scales);
            crc = wire_crc32(crc, tensor->biases, tensor->outputs * sizeof *tensor->biases);
        }
        weights_clear(&w);
    }
    return crc;
}

static uint32_t crc_of_input(const struct int8_case *c)
{
    size_t n = shape_elements(&c->layers[0].in) * (size_t)c->batch;
    int8_t *in = malloc(n);
    ck_assert_ptr_nonnull(in);
    weights_input_int8(&c->layers[0], c->seed, in, n);
    uint32_t crc = wire_crc32(0, in, n);
    free(in);
    return crc;
}

static uint32_t crc_of_output(const struct int8_case *c)
{
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    const struct rig_options o = {
        .runtime = runtimes[0], .options = {DTYPE_INT8, 1, c->batch}, .seed = c->seed}; /* reference: the plainest */
    ck_assert_str_eq(o.runtime->name, "reference");
    ck_assert_msg(rig_open(&o, &rig, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_build(rig, 0, c->layers, c->count, &built, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_run(rig, 0, 0, 1, false, &samples, &err) == LATHE_OK, "%s", err.message);
    uint32_t crc = wire_crc32(0, samples->output, samples->output_bytes);
    rig_close(rig);
    return crc;
}

static void check_case(const struct int8_case *c)
{
    ck_assert_msg(crc_of_weights(c) == c->weights_crc, "%s: weights", c->name);
    ck_assert_msg(crc_of_input(c) == c->input_crc, "%s: input", c->name);
    uint32_t crc = crc_of_output(c);
    ck_assert_msg(crc == c->output_crc, "%s: output %08x, not %08x", c->name, crc, c->output_crc);
}

START_TEST(weights_inputs_and_outputs_are_those_of_the_page)
{
    each_int8_case(check_case);
}
END_TEST

static TCase *golden_cases(void)
{
    TCase *t = tcase_create("golden");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, weights_inputs_and_outputs_are_those_of_the_page);
    return t;
}

TEST_MAIN("int8 golden", golden_cases())
