/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "check_main.h"
#include "lut/base/rng.h"
#include "test_kv_dir.h"

enum { KEYS = 1500, WIDEST = KV_KEY_BYTES };

/* Keys made from a seed, kept beside the store as the reference that it is compared with. */
struct sample {
    unsigned char key[WIDEST];
    size_t size;
    uint32_t value;
};

static struct test_dir dir;
static struct kv *kv;

static void set_up(void)
{
    dir = dir_make();
    kv = store_open(&dir);
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

static int compare_samples(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;
    int order = memcmp(x->key, y->key, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Random keys, few letters so that prefixes are shared, any bytes in every third; sorted, without duplicates. */
static size_t make_samples(struct sample *samples, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    for (size_t i = 0; i < KEYS; i++) {
        struct sample *s = &samples[i];
        s->size = 1 + rng_below(&rng, i % 7 ? 12 : WIDEST);
        for (size_t j = 0; j < s->size; j++)
            s->key[j] = (unsigned char)(i % 3 ? 'a' + rng_below(&rng, 3) : rng_below(&rng, 256));
    }
    qsort(samples, KEYS, sizeof *samples, compare_samples);
    size_t n = 0;
    for (size_t i = 0; i < KEYS; i++)
        if (n == 0 || compare_samples(&samples[n - 1], &samples[i]) != 0) samples[n++] = samples[i];
    for (size_t i = 0; i < n; i++) samples[i].value = (uint32_t)i * 2654435761u;
    return n;
}

struct samples {
    struct sample *items;
    size_t count;
};

/* In an order that is not the keys'. */
static enum lathe_status put_samples(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct samples *all = context;
    for (size_t i = 0; i < all->count; i++) {
        const struct sample *s = &all->items[(i * 7919) % all->count];
        enum lathe_status st = kv_put(txn, s->key, s->size, &s->value, sizeof s->value, err);
        if (st) return st;
    }
    return LATHE_OK;
}

static struct samples store_samples(uint64_t seed)
{
    struct samples all = {calloc(KEYS, sizeof(struct sample)), 0};
    all.count = make_samples(all.items, seed);
    while (all.count % 7919 == 0) all.count--;
    ck_assert_ok(kv_write(kv, put_samples, &all, ok_err));
    return all;
}

struct expectation {
    const struct samples *all;
    const char *prefix, *from;
    size_t next, seen, stop_after;
};

static bool is_expected(const struct expectation *e, const struct sample *s)
{
    struct sample from = {.size = e->from ? strlen(e->from) : 0};
    if (e->from) memcpy(from.key, e->from, from.size);
    size_t n = strlen(e->prefix);
    return s->size >= n && memcmp(s->key, e->prefix, n) == 0 && compare_samples(s, &from) >= 0;
}

static bool check_visit(void *context, struct kv_slice key, struct kv_slice value)
{
    struct expectation *e = context;
    while (e->next < e->all->count && !is_expected(e, &e->all->items[e->next])) e->next++;
    ck_assert_uint_lt(e->next, e->all->count);
    const struct sample *s = &e->all->items[e->next++];
    ck_assert_uint_eq(key.size, s->size);
    ck_assert_mem_eq(key.data, s->key, s->size);
    ck_assert_uint_eq(value.size, sizeof s->value);
    ck_assert_mem_eq(value.data, &s->value, sizeof s->value);
    return ++e->seen != e->stop_after;
}

static void check_scan(const struct samples *all, const char *prefix, const char *from)
{
    struct expectation e = {.all = all, .prefix = prefix, .from = from};
    struct kv_txn *txn;
    size_t expected = 0;
    for (size_t i = 0; i < all->count; i++) expected += is_expected(&e, &all->items[i]);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(kv_scan(txn, prefix, from, check_visit, &e, ok_err));
    kv_read_end(txn);
    ck_assert_uint_eq(e.seen, expected);
}

START_TEST(keys_are_visited_in_the_order_of_memcmp)
{
    struct samples all = store_samples(1);
    check_scan(&all, "", NULL);
    free(all.items);
}
END_TEST

START_TEST(scans_of_a_prefix_visit_that_prefix_from_the_start_asked_for)
{
    static const char *const prefixes[] = {"", "a", "ab", "abc", "cc", "zzz", "bbbbbb"};
    static const char *const starts[] = {"a", "aa", "ab", "abcab", "b", "bz", "cc", "d", "~"};
    struct samples all = store_samples(2);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        check_scan(&all, prefixes[i], NULL);
        for (size_t j = 0; j < sizeof starts / sizeof starts[0]; j++) check_scan(&all, prefixes[i], starts[j]);
    }
    free(all.items);
}
END_TEST

START_TEST(a_scan_ends_when_its_visitor_says_so)
{
    struct samples all = store_samples(3);
    struct expectation e = {.all = &all, .prefix = "a", .stop_after = 3};
    struct kv_txn *txn;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(kv_scan(txn, "a", NULL, check_visit, &e, ok_err));
    kv_read_end(txn);
    ck_assert_uint_eq(e.seen, 3);
    free(all.items);
}
END_TEST

static size_t deleted;

static enum lathe_status delete_ab(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    return kv_delete_prefix(txn, "ab", &deleted, err);
}

START_TEST(deleting_a_prefix_leaves_exactly_the_other_keys)
{
    struct samples all = store_samples(4);
    ck_assert_ok(kv_write(kv, delete_ab, NULL, ok_err));
    size_t kept = 0;
    for (size_t i = 0; i < all.count; i++) {
        const struct sample *s = &all.items[i];
        if (s->size < 2 || memcmp(s->key, "ab", 2) != 0) all.items[kept++] = *s;
    }
    ck_assert_uint_gt(deleted, 50);
    ck_assert_uint_eq(deleted, all.count - kept);
    all.count = kept;
    check_scan(&all, "", NULL);
    free(all.items);
}
END_TEST

static enum lathe_status delete_twice(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    enum lathe_status *second = context;
    enum lathe_status st = kv_delete(txn, KV_KEY("key"), err);
    if (!st) *second = kv_delete(txn, KV_KEY("key"), err);
    return st;
}

START_TEST(deleting_an_absent_key_is_not_found)
{
    enum lathe_status second = LATHE_OK;
    char text[64];
    ck_assert_ok(store_put_text(kv, "key", "value", ok_err));
    ck_assert_ok(kv_write(kv, delete_twice, &second, ok_err));
    ck_assert_int_eq(second, LATHE_NOT_FOUND);
    ck_assert_str_eq(store_text(kv, "key", text), "");
    struct lathe_error err = {.message = "untouched"};
    ck_assert_int_eq(kv_write(kv, delete_twice, &second, &err), LATHE_NOT_FOUND);
    ck_assert_str_eq(err.message, "untouched");
}
END_TEST

START_TEST(get_of_an_absent_key_is_not_found_and_leaves_the_error_alone)
{
    struct lathe_error err = {.message = "untouched"};
    struct kv_slice value = {"before", 6};
    struct kv_txn *txn;
    char longest[KV_KEY_BYTES + 2] = "";
    memset(longest, 'x', KV_KEY_BYTES + 1);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_int_eq(kv_get(txn, KV_KEY("absent"), &value, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(kv_get(txn, "", 0, &value, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(kv_get(txn, KV_KEY(longest), &value, &err), LATHE_NOT_FOUND);
    kv_read_end(txn);
    ck_assert_str_eq(err.message, "untouched");
    ck_assert_str_eq(value.data, "before");
}
END_TEST

START_TEST(keys_out_of_range_are_refused)
{
    struct lathe_error err;
    char key[KV_KEY_BYTES + 2] = "";
    memset(key, 'k', KV_KEY_BYTES);
    ck_assert_ok(store_put_text(kv, key, "longest", ok_err));
    key[KV_KEY_BYTES] = 'k';
    ck_assert_int_eq(store_put_text(kv, key, "too long", &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "481"));
    ck_assert_int_eq(store_put_text(kv, "", "empty", &err), LATHE_INVALID);
}
END_TEST

START_TEST(empty_and_large_values_come_back)
{
    enum { LARGE = 3000000 };
    unsigned char *large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++) large[i] = (unsigned char)(i * i >> 3);
    ck_assert_ok(kv_write(kv, put_one, &(struct put_args){"large", large, LARGE}, ok_err));
    ck_assert_ok(kv_write(kv, put_one, &(struct put_args){"none", NULL, 0}, ok_err));
    struct kv_txn *txn;
    struct kv_slice value;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(kv_get(txn, KV_KEY("large"), &value, ok_err));
    ck_assert_uint_eq(value.size, LARGE);
    ck_assert_int_eq(memcmp(value.data, large, LARGE), 0);
    ck_assert_ok(kv_get(txn, KV_KEY("none"), &value, ok_err));
    ck_assert_uint_eq(value.size, 0);
    kv_read_end(txn);
    free(large);
}
END_TEST

START_TEST(a_snapshot_does_not_see_later_writes)
{
    struct kv_txn *before, *after;
    struct kv_slice value;
    ck_assert_ok(store_put_text(kv, "key", "old", ok_err));
    ck_assert_ok(kv_read_begin(kv, &before, ok_err));
    ck_assert_ok(store_put_text(kv, "key", "new", ok_err));
    ck_assert_ok(kv_read_begin(kv, &after, ok_err));
    ck_assert_ok(kv_get(before, KV_KEY("key"), &value, ok_err));
    ck_assert_mem_eq(value.data, "old", 3);
    ck_assert_ok(kv_get(after, KV_KEY("key"), &value, ok_err));
    ck_assert_mem_eq(value.data, "new", 3);
    kv_read_end(before);
    kv_read_end(after);
}
END_TEST

START_TEST(a_snapshot_can_not_be_written_to)
{
    struct lathe_error err;
    struct kv_txn *txn;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_int_eq(kv_put(txn, KV_KEY("key"), "v", 1, &err), LATHE_CONFLICT);
    ck_assert_int_eq(kv_delete(txn, KV_KEY("key"), &err), LATHE_CONFLICT);
    ck_assert_int_eq(kv_delete_prefix(txn, "k", NULL, &err), LATHE_CONFLICT);
    ck_assert_int_eq(kv_put_version(txn, 2, &err), LATHE_CONFLICT);
    kv_read_end(txn);
}
END_TEST

struct writing_scan {
    struct kv_txn *txn;
    enum lathe_status status;
};

static bool put_in_scan(void *context, struct kv_slice key, struct kv_slice value)
{
    struct writing_scan *w = context;
    (void)value;
    w->status = kv_put(w->txn, key.data, key.size, "v", 1, NULL);
    return true;
}

static enum lathe_status scan_and_put(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct writing_scan *w = context;
    w->txn = txn;
    enum lathe_status st = kv_scan(txn, "", NULL, put_in_scan, w, err);
    return st ? st : kv_put(txn, KV_KEY("after"), "v", 1, err);
}

START_TEST(a_scan_refuses_writes_from_its_visitor_and_allows_them_after_it)
{
    struct writing_scan w = {0};
    char text[64];
    ck_assert_ok(store_put_text(kv, "key", "value", ok_err));
    ck_assert_ok(kv_write(kv, scan_and_put, &w, ok_err));
    ck_assert_int_eq(w.status, LATHE_CONFLICT);
    ck_assert_str_eq(store_text(kv, "key", text), "value");
    ck_assert_str_eq(store_text(kv, "after", text), "v");
}
END_TEST

static TCase *basics(void)
{
    TCase *c = tcase_create("basics");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, keys_are_visited_in_the_order_of_memcmp);
    tcase_add_test(c, scans_of_a_prefix_visit_that_prefix_from_the_start_asked_for);
    tcase_add_test(c, a_scan_ends_when_its_visitor_says_so);
    tcase_add_test(c, deleting_a_prefix_leaves_exactly_the_other_keys);
    tcase_add_test(c, deleting_an_absent_key_is_not_found);
    tcase_add_test(c, get_of_an_absent_key_is_not_found_and_leaves_the_error_alone);
    tcase_add_test(c, keys_out_of_range_are_refused);
    tcase_add_test(c, empty_and_large_values_come_back);
    tcase_add_test(c, a_snapshot_does_not_see_later_writes);
    tcase_add_test(c, a_snapshot_can_not_be_written_to);
    tcase_add_test(c, a_scan_refuses_writes_from_its_visitor_and_allows_them_after_it);
    return c;
}

TEST_MAIN("kv", basics())
