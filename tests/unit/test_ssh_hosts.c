/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/agent/ssh_hosts.h"
#include "check_main.h"

static char folder[] = "/tmp/test-ssh-hosts-XXXXXX";

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    snprintf(folder + strlen(folder) - 6, 7, "XXXXXX");
}

/* @return the path, until the next call. */
static const char *put(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* Names with a space between them. */
static void check_hosts(const char *path, const char *expected)
{
    char got[8192] = "";
    size_t i;
    const json_t *host;
    json_t *hosts = ssh_hosts_list(path);
    ck_assert_ptr_nonnull(hosts);
    json_array_foreach(hosts, i, host)
    {
        size_t n = strlen(got);
        snprintf(got + n, sizeof got - n, "%s%s", n ? " " : "", json_string_value(host));
    }
    json_decref(hosts);
    ck_assert_str_eq(got, expected);
}

START_TEST(names_are_listed_once_and_in_order_without_patterns)
{
    check_hosts(put("config", "# Host commented\n"
                              "Host pi4\n  HostName 10.0.0.7\n  User pi\n"
                              "host jetson nano *.lab !bastion ?x pi4\n"
                              "\tHOST=\"tx2\"\n"
                              "Host = orin # the big one\r\n"
                              "HostKeyAlias other\n"
                              "Match host hidden\n"
                              "Host *\n  ServerAliveInterval 5\n"
                              "Host -oProxyCommand=x a;b \"with space\" fe80::1"),
                "pi4 jetson nano tx2 orin fe80::1");
}
END_TEST

START_TEST(included_files_are_read_where_they_stand)
{
    char text[512];
    put("more-1.conf", "Host one\n");
    put("more-2.conf", "Host two\n");
    snprintf(text, sizeof text, "Host first\nInclude %s/more-*.conf %s/absent\nHost last\n", folder, folder);
    check_hosts(put("config", text), "first one two last");
}
END_TEST

START_TEST(files_that_include_themselves_come_to_an_end)
{
    char text[512];
    snprintf(text, sizeof text, "Host a\nInclude %s/*\nInclude %s/*\nHost b\n", folder, folder);
    put("other", text);
    check_hosts(put("config", text), "a b");
}
END_TEST

START_TEST(what_is_not_there_has_no_hosts)
{
    check_hosts("/nonexistent/config", "");
    check_hosts("/", "");
    check_hosts(put("config", ""), "");
    check_hosts(put("config", "Host"), "");
    check_hosts(put("config", "Host \"unclosed"), "unclosed");
}
END_TEST

START_TEST(no_more_than_a_thousand_are_listed)
{
    static char text[64 * 1024];
    size_t n = 0;
    for (int i = 0; i < SSH_HOSTS_MOST + 50; i++) n += (size_t)snprintf(text + n, sizeof text - n, "Host board%d\n", i);
    json_t *hosts = ssh_hosts_list(put("config", text));
    ck_assert_uint_eq(json_array_size(hosts), SSH_HOSTS_MOST);
    json_decref(hosts);
}
END_TEST

static TCase *all(void)
{
    TCase *c = tcase_create("ssh_hosts");
    tcase_add_checked_fixture(c, make_folder, remove_folder);
    tcase_add_test(c, names_are_listed_once_and_in_order_without_patterns);
    tcase_add_test(c, included_files_are_read_where_they_stand);
    tcase_add_test(c, files_that_include_themselves_come_to_an_end);
    tcase_add_test(c, what_is_not_there_has_no_hosts);
    tcase_add_test(c, no_more_than_a_thousand_are_listed);
    return c;
}

TEST_MAIN("ssh_hosts", all())
