/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/api.h"
#include "agents/agent/lease.h"
#include "tests/unit/test_jobs_cases.h"

static enum lathe_status read_lease(const json_t *document, struct lathe_error *err)
{
    struct lease lease;
    enum lathe_status st = lease_parse(document, &lease, err);
    if (!st) lease_clear(&lease);
    return st;
}

START_TEST(a_malformed_lease_names_the_field_at_fault)
{
    ck_assert_int_ge(run_cases("lease", read_lease), 21);
}
END_TEST

START_TEST(a_well_formed_lease_is_read_whole)
{
    static const char text[] =
        "{\"id\":\"l-1\",\"fence\":7,\"ttl_s\":30,\"kind\":\"measurement\",\"job\":\"m-1\","
        "\"device\":{\"name\":\"pi4\",\"transport\":{\"type\":\"local\",\"extra\":1}},\"config\":\"xnnpack-f32-t1-b1\","
        "\"per_layer\":false,\"warmup\":0,\"runs\":3,\"networks\":["
        "{\"network\":5,\"layers\":[\"avgpool in=4x4x16 out=1x1x16\",\"linear in=1x1x16 out=1x1x10\"]},"
        "{\"network\":9,\"layers\":[\"linear in=1x1x16 out=1x1x20\"]}],"
        "\"visits\":[{\"visit\":17,\"network\":9},{\"visit\":3,\"network\":5},{\"visit\":18,\"network\":9}]}";
    struct lease lease;
    json_t *document = NULL;
    struct lathe_error err;
    ck_assert_int_eq(json_parse(text, strlen(text), &document, NULL), LATHE_OK);
    ck_assert_msg(lease_parse(document, &lease, &err) == LATHE_OK, "%s", err.message);
    json_decref(document);
    ck_assert_str_eq(lease.id, "l-1");
    ck_assert_str_eq(lease.job, "m-1");
    ck_assert_str_eq(lease.device, "pi4");
    ck_assert_str_eq(lease.transport, "local");
    ck_assert_str_eq(lease.config, "xnnpack-f32-t1-b1");
    ck_assert_int_eq(lease.fence, 7);
    ck_assert(!lease.per_layer);
    ck_assert_int_eq(lease.visit_count, 3);
    ck_assert_int_eq(lease.visits[1].visit, 3);
    ck_assert_ptr_eq(lease_network(&lease, 9), &lease.networks[1]);
    ck_assert_ptr_null(lease_network(&lease, 0));
    ck_assert_int_eq(lease.networks[0].layer_count, 2);
    ck_assert_int_eq(lease.networks[0].layers[1].out.c, 10);
    lease_clear(&lease);
}
END_TEST

START_TEST(pauses_double_up_to_half_a_minute_and_differ)
{
    struct rng rng;
    rng_seed(&rng, 1);
    uint64_t full = 500;
    for (int failures = 1; failures < 20; failures++) {
        uint64_t first = backoff_ms(failures, &rng);
        uint64_t least = first;
        uint64_t most = first;
        for (int i = 0; i < 200; i++) {
            uint64_t ms = backoff_ms(failures, &rng);
            if (ms < least) least = ms;
            if (ms > most) most = ms;
        }
        ck_assert_uint_ge(least, full / 2);
        ck_assert_uint_le(most, full);
        ck_assert_uint_gt(most - least, full / 4);
        full = full * 2 > 30000 ? 30000 : full * 2;
    }
}
END_TEST

static TCase *lease_case(void)
{
    TCase *tc = tcase_create("lease parse");
    tcase_add_test(tc, a_malformed_lease_names_the_field_at_fault);
    tcase_add_test(tc, a_well_formed_lease_is_read_whole);
    tcase_add_test(tc, pauses_double_up_to_half_a_minute_and_differ);
    return tc;
}

TEST_MAIN("lease parse", lease_case())
