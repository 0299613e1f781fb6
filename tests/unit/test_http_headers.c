/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Headers that decide who may write, what is packed and what is sent again, without a server. */
#include "check_main.h"
#include "server/http/internal.h"

static const struct {
    const char *origin, *host;
    bool same;
} origins[] = {
    {"http://127.0.0.1:8420", "127.0.0.1:8420", true},
    {"https://lab.example", "lab.example", true},
    {"https://lab.example", "lab.example:443", true},
    {"https://lab.example:443", "lab.example", true},
    {"http://lab.example", "lab.example:80", true},
    {"http://LAB.example:8420", "lab.Example:8420", true},
    {"http://[::1]:8420", "[::1]:8420", true},
    {"http://lab.example", "lab.example:443", false},
    {"https://lab.example", "lab.example:80", false},
    {"https://lab.example:8443", "lab.example", false},
    {"http://127.0.0.1:8420", "127.0.0.1:8421", false},
    {"http://127.0.0.1", "127.0.0.1:8420", false},
    {"http://lab.example.evil", "lab.example", false},
    {"http://evil.lab.example", "lab.example", false},
    {"http://lab.example@evil", "lab.example", false},
    {"http://evil/lab.example", "lab.example", false},
    {"lab.example", "lab.example", false},
    {"ftp://lab.example", "lab.example", false},
    {"null", "null", false},
    {"null", "lab.example", false},
    {"", "", false},
    {"http://", "", false},
    {"http://lab.example", NULL, false},
};

START_TEST(an_origin_is_that_of_its_host_and_port_alone)
{
    ck_assert_msg(origin_is_host(origins[_i].origin, origins[_i].host) == origins[_i].same, "%s at %s",
                  origins[_i].origin, origins[_i].host ? origins[_i].host : "no host");
}
END_TEST

static const struct {
    const char *header;
    bool allowed;
} encodings[] = {
    {NULL, false},
    {"", false},
    {"gzip", true},
    {"GZIP", true},
    {"deflate, gzip;q=1.0, *;q=0.5", true},
    {" br ,\tgzip ; q=0.001", true},
    {"*", true},
    {"br, *;q=0.1", true},
    {"gzip;q=0", false},
    {"gzip;q=0, *", false},
    {"*;q=0, gzip", true},
    {"*;q=0", false},
    {"identity", false},
    {"gzipped", false},
    {"x,,;;=", false},
};

START_TEST(gzip_is_used_where_it_is_accepted)
{
    ck_assert_msg(accept_gzip(encodings[_i].header) == encodings[_i].allowed, "%s", encodings[_i].header);
}
END_TEST

static const struct {
    const char *header;
    bool listed;
} tags[] = {
    {NULL, false},
    {"", false},
    {"\"t-1\"", true},
    {"W/\"t-1\"", true},
    {"*", true},
    {"\"a\", W/\"b\", W/\"t-1\"", true},
    {"\"a\",\"t-1\" ", true},
    {"\"a, t-1\", \"t-1\"", true},
    {"\"t-12\"", false},
    {"\"t-\"", false},
    {"\"x, t-1\"", false},
    {"t-1", false},
    {"\"t-1", false},
    {"w/\"t-1\"", false},
    {"\"\"", false},
};

START_TEST(a_tag_is_found_in_a_list_of_them)
{
    ck_assert_msg(tag_is_listed(tags[_i].header, "t-1") == tags[_i].listed, "%s", tags[_i].header);
}
END_TEST

START_TEST(a_type_is_named_by_itself_alone)
{
    ck_assert(accept_names("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"));
    ck_assert(accept_names("application/json, TEXT/HTML;q=0.1", "text/html"));
    ck_assert(!accept_names("*/*", "text/html"));
    ck_assert(!accept_names("text/*", "text/html"));
    ck_assert(!accept_names("text/html;q=0", "text/html"));
    ck_assert(!accept_names(NULL, "text/html"));
}
END_TEST

static const struct {
    const char *header;
    int seconds;
} waits[] = {
    {NULL, -1},
    {"", -1},
    {"wait=10", 10},
    {"Wait = 10", 10},
    {"wait=\"7\"", 7},
    {"respond-async, wait=5", 5},
    {"handling=lenient; wait=3, wait=8; x=y, wait=9", 8},
    {"wait=0", 0},
    {"wait=60", 60},
    {"wait=100000", 60},
    {"wait=-1", -1},
    {"wait=1.5", -1},
    {"wait=", -1},
    {"wait", -1},
    {"wait=\"", -1},
    {"waiting=5", -1},
    {"await=5", -1},
    {"wait=99999999999999999999999", -1},
    {"wait=x, wait=4", 4},
};

START_TEST(a_preference_to_wait_is_read_and_what_is_none_passed_over)
{
    ck_assert_msg(prefer_wait(waits[_i].header) == waits[_i].seconds, "%s", waits[_i].header);
}
END_TEST

static TCase *headers_case(void)
{
    TCase *c = tcase_create("headers");
    tcase_add_loop_test(c, an_origin_is_that_of_its_host_and_port_alone, 0, sizeof origins / sizeof origins[0]);
    tcase_add_loop_test(c, gzip_is_used_where_it_is_accepted, 0, sizeof encodings / sizeof encodings[0]);
    tcase_add_loop_test(c, a_tag_is_found_in_a_list_of_them, 0, sizeof tags / sizeof tags[0]);
    tcase_add_loop_test(c, a_preference_to_wait_is_read_and_what_is_none_passed_over, 0,
                        sizeof waits / sizeof waits[0]);
    tcase_add_test(c, a_type_is_named_by_itself_alone);
    return c;
}

TEST_MAIN("http_headers", headers_case())
