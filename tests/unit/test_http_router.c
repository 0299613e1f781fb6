/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Paths, queries and Accept headers, without a server. */
#include "check_main.h"
#include "server/http/internal.h"

static enum http_outcome nothing(struct http_request *r)
{
    (void)r;
    return HTTP_DONE;
}

static const struct http_route boards[] = {
    {"GET", "/v1/boards", 0, POOL_QUICK, 0, nothing},
    {"POST", "/v1/boards", 0, POOL_QUICK, 0, nothing},
    {"GET", "/v1/boards/{board}", 0, POOL_QUICK, 0, nothing},
    {0},
};
static const struct http_route tables[] = {
    {"GET", "/v1/tables/{device}/{config}/entries", 0, POOL_QUICK, 0, nothing},
    {0},
};
static const struct http_route *const all[] = {boards, tables, NULL};

static struct http_pair params[HTTP_MAX_PARAMS];
static size_t param_count;
static char allow[HTTP_ALLOW_BYTES];

static const struct http_route *find(const char *method, const char *path)
{
    pairs_clear(params, param_count);
    param_count = 0;
    return router_find(all, method, path, params, &param_count, allow);
}

static void forget(void)
{
    pairs_clear(params, param_count);
    param_count = 0;
}

START_TEST(parameters_are_named_by_the_pattern_and_decoded)
{
    ck_assert_ptr_eq(find("GET", "/v1/tables/pi%204/x-f32-t1-b1/entries"), &tables[0]);
    ck_assert_uint_eq(param_count, 2);
    ck_assert_str_eq(params[0].name, "device");
    ck_assert_str_eq(params[0].value, "pi 4");
    ck_assert_str_eq(params[1].name, "config");
    ck_assert_str_eq(params[1].value, "x-f32-t1-b1");
}
END_TEST

START_TEST(an_escaped_slash_is_no_border_of_segments)
{
    ck_assert_ptr_eq(find("GET", "/v1/boards/a%2Fb"), &boards[2]);
    ck_assert_str_eq(params[0].value, "a/b");
}
END_TEST

START_TEST(a_plus_in_a_path_is_a_plus)
{
    ck_assert_ptr_eq(find("GET", "/v1/boards/a+b"), &boards[2]);
    ck_assert_str_eq(params[0].value, "a+b");
}
END_TEST

START_TEST(head_finds_what_get_finds)
{
    ck_assert_ptr_eq(find("HEAD", "/v1/boards"), &boards[0]);
}
END_TEST

START_TEST(a_path_with_other_methods_says_which)
{
    ck_assert_ptr_null(find("DELETE", "/v1/boards"));
    ck_assert_str_eq(allow, "GET, POST");
    ck_assert_ptr_null(find("DELETE", "/v1/nothing"));
    ck_assert_str_eq(allow, "");
}
END_TEST

static const char *const strangers[] = {
    "/",
    "/v1",
    "/v1/boards/",
    "/v1/boards/a/b",
    "/v1/boardsx",
    "v1/boards",
    "/v1//boards",
    "/V1/boards",
    "/v1/boards/%zz",
    "/v1/boards/%",
    "/v1/boards/%0",
    "/v1/boards/%00",
    "/v1/boards/%ff",
    "",
};

START_TEST(paths_that_are_none_and_escapes_that_are_broken_find_nothing)
{
    ck_assert_ptr_null(find("GET", strangers[_i]));
    ck_assert_uint_eq(param_count, 0);
    ck_assert_str_eq(allow, "");
}
END_TEST

START_TEST(routes_are_numbered_over_all_tables)
{
    ck_assert_uint_eq(router_count(all), 4);
    ck_assert_uint_eq(router_number(all, &boards[2]), 2);
    ck_assert_uint_eq(router_number(all, &tables[0]), 3);
}
END_TEST

/* Text, whether '+' is a space, what it decodes to; NULL: refused. */
static const struct {
    const char *text;
    bool plus;
    const char *decoded;
} escapes[] = {
    {"", false, ""},
    {"a%2fb%2F", false, "a/b/"},
    {"a+b", true, "a b"},
    {"a+b", false, "a+b"},
    {"%2B", true, "+"},
    {"%25zz", false, "%zz"},
    {"%c3%a9", false, "\xc3\xa9"},
    {"%", false, NULL},
    {"%4", false, NULL},
    {"%g1", false, NULL},
    {"%1g", false, NULL},
    {"%00", false, NULL},
    {"%c3", false, NULL},       /* half a character */
    {"%ed%a0%80", false, NULL}, /* a surrogate */
    {"%c0%80", false, NULL},    /* an overlong NUL */
    {"\xff", false, NULL},
};

START_TEST(escapes_decode_or_are_refused)
{
    char *got = percent_decode(escapes[_i].text, strlen(escapes[_i].text), escapes[_i].plus);
    if (escapes[_i].decoded) ck_assert_str_eq(got, escapes[_i].decoded);
    else ck_assert_ptr_null(got);
    free(got);
}
END_TEST

START_TEST(decoding_stops_at_the_length)
{
    char *got = percent_decode("ab%41", 2, false);
    ck_assert_str_eq(got, "ab");
    free(got);
    ck_assert_ptr_null(percent_decode("a%41", 3, false));
}
END_TEST

START_TEST(a_query_splits_into_pairs)
{
    struct http_pair pairs[HTTP_MAX_QUERY];
    size_t n = 0;
    ck_assert(query_parse("&q=a%26b&&flag&x=1=2&e=", pairs, &n));
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(pairs[0].name, "q");
    ck_assert_str_eq(pairs[0].value, "a&b");
    ck_assert_str_eq(pairs[1].name, "flag");
    ck_assert_str_eq(pairs[1].value, "");
    ck_assert_str_eq(pairs[2].value, "1=2");
    ck_assert_str_eq(pairs[3].value, "");
    pairs_clear(pairs, n);
}
END_TEST

START_TEST(a_query_with_a_broken_escape_or_too_many_pairs_is_refused)
{
    struct http_pair pairs[HTTP_MAX_QUERY];
    static const char *const bad[] = {"a=%zz", "%zz=a", "a=1&b=%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t n = 0;
        ck_assert(!query_parse(bad[i], pairs, &n));
        pairs_clear(pairs, n);
    }
    char many[2 * (HTTP_MAX_QUERY + 1) + 1];
    size_t n = 0;
    for (size_t i = 0; i + 1 < sizeof many; i++) many[i] = i % 2 ? '&' : 'a';
    many[2 * HTTP_MAX_QUERY] = '\0';
    ck_assert(query_parse(many, pairs, &n));
    pairs_clear(pairs, n);
    n = 0;
    many[2 * HTTP_MAX_QUERY] = 'a';
    many[2 * HTTP_MAX_QUERY + 1] = '\0';
    ck_assert(!query_parse(many, pairs, &n));
    pairs_clear(pairs, n);
}
END_TEST

/* Header, and which of json, yaml, csv it likes best: the rules of RFC 9110, 12.5.1. */
static const struct {
    const char *header;
    int chosen;
} accepted[] = {
    {NULL, 0},
    {"", 0},
    {"*/*", 0},
    {"application/*", 0},
    {"text/csv", 2},
    {"TEXT/CSV", 2},
    {"text/*", 2},
    {"application/yaml, */*", 1},
    {"application/yaml;q=0.5, */*;q=0.1", 1},
    {"application/yaml;q=0.5, application/json;q=0.4", 1},
    {"text/csv, application/json", 2},
    {"application/json, text/csv", 0},
    {"application/json;q=0, */*", 1},
    {"application/*;q=0.2, text/csv;q=0.1", 0},
    {"application/json;charset=utf-8;q=0.1,application/yaml ; q=0.9", 1},
    {" , ,text/csv", 2},
    {"text/html", -1},
    {"application/jso", -1},
    {"application/json5", -1},
    {"*", -1},
    {"*/*;q=0", -1},
    {"text/csv;q=nan", -1},
    {"text/csv;q=9", -1},
    {"text/csv;q=-1", -1},
};

START_TEST(the_media_type_is_the_one_that_the_client_likes_best)
{
    static const char *const types[] = {"application/json", "application/yaml", "text/csv", NULL};
    ck_assert_int_eq(accept_choose(accepted[_i].header, types), accepted[_i].chosen);
}
END_TEST

static TCase *paths(void)
{
    TCase *t = tcase_create("paths");
    tcase_add_checked_fixture(t, NULL, forget);
    tcase_add_test(t, parameters_are_named_by_the_pattern_and_decoded);
    tcase_add_test(t, an_escaped_slash_is_no_border_of_segments);
    tcase_add_test(t, a_plus_in_a_path_is_a_plus);
    tcase_add_test(t, head_finds_what_get_finds);
    tcase_add_test(t, a_path_with_other_methods_says_which);
    tcase_add_loop_test(t, paths_that_are_none_and_escapes_that_are_broken_find_nothing, 0,
                        sizeof strangers / sizeof strangers[0]);
    tcase_add_test(t, routes_are_numbered_over_all_tables);
    return t;
}

static TCase *texts(void)
{
    TCase *t = tcase_create("texts");
    tcase_add_loop_test(t, escapes_decode_or_are_refused, 0, sizeof escapes / sizeof escapes[0]);
    tcase_add_test(t, decoding_stops_at_the_length);
    tcase_add_test(t, a_query_splits_into_pairs);
    tcase_add_test(t, a_query_with_a_broken_escape_or_too_many_pairs_is_refused);
    tcase_add_loop_test(t, the_media_type_is_the_one_that_the_client_likes_best, 0,
                        sizeof accepted / sizeof accepted[0]);
    return t;
}

TEST_MAIN("http_router", paths(), texts())
