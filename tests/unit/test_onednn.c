/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the runtime onednn says of itself on an older processor, which oneDNN is made to take this one for. */
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#include "agents/runner/runtime.h"
#include "check_main.h"

extern const struct runtime onednn_runtime;

/* Whether oneDNN goes no further than AVX2 now; false on processors that don't get that far. */
static bool limit_to_avx2(void)
{
    dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2); /* fails after the first time */
    return dnnl_get_effective_cpu_isa() == dnnl_cpu_isa_avx2;
}

/* The value of a key; fails when it is not there. */
static const char *value_of(const struct runtime_lines *lines, const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < lines->count; i++)
        if (strncmp(lines->line[i], key, n) == 0 && lines->line[i][n] == '=') return lines->line[i] + n + 1;
    ck_abort_msg("no line %s", key);
    return "";
}

START_TEST(the_fingerprint_names_implementations_and_the_slow_ones_among_them)
{
    const struct runtime_options o = {DTYPE_F32, 1, 1};
    struct runtime_lines lines = {0};
    if (!limit_to_avx2()) return;
    onednn_runtime.describe(&o, &lines);
    ck_assert_str_eq(value_of(&lines, "dispatch"), "avx2");
    ck_assert_ptr_nonnull(strstr(value_of(&lines, "kernels"), "jit_dw:avx2"));
    ck_assert_ptr_null(strstr(value_of(&lines, "kernels"), "avx512"));
    ck_assert_ptr_nonnull(strstr(value_of(&lines, "kernels_slow"), "gemm:jit"));
    ck_assert_ptr_null(strstr(value_of(&lines, "kernels_slow"), "avx2"));
}
END_TEST

START_TEST(an_op_names_its_implementations_once_each)
{
    const struct runtime_options o = {DTYPE_F32, 1, 1};
    struct layer layer;
    struct weights weights;
    struct engine *engine = NULL;
    struct op *op = NULL;
    struct op_needs needs;
    char names[RUNTIME_LINE_BYTES];
    if (!limit_to_avx2()) return;
    ck_assert_int_eq(layer_parse("mbconv in=8x8x16 out=8x8x16 mid=64 k=3 s=1 act=relu res=1", &layer, NULL), LATHE_OK);
    ck_assert_int_eq(weights_make(&layer, 0, 1, &weights, NULL), LATHE_OK);
    ck_assert_int_eq(onednn_runtime.open(&o, &engine, NULL), LATHE_OK);
    ck_assert_int_eq(onednn_runtime.prepare(engine, &layer, &weights, &op, &needs, NULL), LATHE_OK);
    onednn_runtime.kernels(op, names, sizeof names);
    ck_assert_str_eq(names, "jit_1x1:avx2,jit_dw:avx2,jit:uni");
    onednn_runtime.kernels(op, names, sizeof "jit_1x1:avx2,jit"); /* what doesn't fit is left out */
    ck_assert_str_eq(names, "jit_1x1:avx2");
    ck_assert_uint_ge(needs.weight_bytes, weights_bytes(&weights));
    onednn_runtime.op_free(op);
    onednn_runtime.close(engine);
    weights_clear(&weights);
}
END_TEST

START_TEST(int8_without_vnni_is_refused_with_a_reason)
{
    const struct runtime_options o = {DTYPE_INT8, 1, 1};
    struct lathe_error err = {0};
    if (!limit_to_avx2()) return;
    ck_assert_int_eq(onednn_runtime.supports(&o, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "VNNI"));
    ck_assert_ptr_nonnull(strstr(err.message, "avx2"));
}
END_TEST

static TCase *onednn_cases(void)
{
    TCase *t = tcase_create("onednn");
    tcase_add_test(t, the_fingerprint_names_implementations_and_the_slow_ones_among_them);
    tcase_add_test(t, an_op_names_its_implementations_once_each);
    tcase_add_test(t, int8_without_vnni_is_refused_with_a_reason);
    return t;
}

TEST_MAIN("onednn", onednn_cases())
