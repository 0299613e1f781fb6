/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/batch.h"

#include "tests/unit/test_jobs_cases.h"

static enum lathe_status read_batch(const json_t *document, struct lathe_error *err)
{
    struct batch batch;
    enum lathe_status st = batch_read(document, &batch, err);
    if (!st) batch_clear(&batch);
    return st;
}

START_TEST(malformed_results_name_the_field_at_fault)
{
    ck_assert_int_ge(run_cases("results", read_batch), 27);
}
END_TEST

START_TEST(well_formed_results_are_read_run_by_run)
{
    static const char text[] = "{\"fence\":7,\"fingerprint\":{},\"visits\":["
                               "{\"visit\":3,\"network\":1,\"total_ns\":[100,120],\"wall_ns\":[[1,2,3],[4,5,6]],"
                               "\"cpu_ns\":[[7,8,9],[10,11,4294967295]],\"preempted\":[[0,1,2],[3,4,255]]},"
                               "{\"visit\":4,\"network\":1,\"total_ns\":[1]}]}";
    static const uint32_t wall[] = {1, 2, 3, 4, 5, 6};
    static const uint32_t cpu[] = {7, 8, 9, 10, 11, UINT32_MAX};
    static const uint8_t preempted[] = {0, 1, 2, 3, 4, 255};
    struct batch batch;
    json_t *document = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &document, NULL), LATHE_OK);
    ck_assert_int_eq(batch_read(document, &batch, NULL), LATHE_OK);
    ck_assert_uint_eq(batch.count, 2);
    const struct batch_visit *v = &batch.visits[0];
    ck_assert_int_eq(v->visit, 3);
    ck_assert_int_eq(v->network, 1);
    ck_assert_uint_eq(v->runs, 2);
    ck_assert_uint_eq(v->layers, 3);
    ck_assert_mem_eq(v->wall_ns, wall, sizeof wall);
    ck_assert_mem_eq(v->cpu_ns, cpu, sizeof cpu);
    ck_assert_mem_eq(v->preempted, preempted, sizeof preempted);
    ck_assert_uint_eq(batch.visits[1].layers, 0);
    ck_assert_uint_eq(batch.visits[1].runs, 1);
    batch_clear(&batch);
    json_decref(document);
}
END_TEST

static TCase *batch_case(void)
{
    TCase *tc = tcase_create("batch");
    tcase_add_test(tc, malformed_results_name_the_field_at_fault);
    tcase_add_test(tc, well_formed_results_are_read_run_by_run);
    return tc;
}

TEST_MAIN("batch", batch_case())
