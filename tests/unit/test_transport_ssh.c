/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The ssh transport with a stand-in for ssh: what it is called with, what goes to the device, what its failures mean.
 * tests/service/test_ssh.py has the real one. */
#include "agents/transport/ssh.h"

#include "agents/transport/bundle.h"
#include "check_main.h"
#include "lut/base/cpus.h"
#include "lut/base/file.h"
#include "test_transport_session.h"
#include "test_transport_ssh.h"

static const struct transport *ssh_link(void)
{
    const struct transport *t = transport_find("ssh");
    ck_assert_ptr_nonnull(t);
    return t;
}

/* All that a program wrote until it ended. */
static void read_to_end(struct link *link, char *out, size_t capacity)
{
    size_t n = 0;
    size_t part = 0;
    while (n + 1 < capacity && !ssh_link()->read(link, out + n, capacity - 1 - n, 20000, &part, NULL)) n += part;
    out[n] = '\0';
}

static char *read_file(const char *name)
{
    char path[160];
    char *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", fake_ssh_folder, name);
    ck_assert_int_eq(file_read(path, 1 << 20, &text, &size, NULL), LATHE_OK);
    return text;
}

START_TEST(destinations_are_names_and_nothing_else)
{
    static const char *const good[] = {"pi@10.0.0.7", "board", "a.b-c_d@host.example.org", "fe80::1"};
    static const char *const bad[] = {
        "",    "-oProxyCommand=id", "a@-b",  "-a@b",   "@b", "a@", "a@b@c", "a b", "a;id", "a\nb", "$(id)", "a'b",
        "a/b", "ssh://a",           "a@b c", "a@b;id", "é"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) ck_assert_msg(ssh_is_destination(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct link *link = NULL;
        struct lathe_error err = {0};
        const struct transport_options o = {.destination = bad[i]};
        ck_assert_msg(!ssh_is_destination(bad[i]), "%s", bad[i]);
        ck_assert_int_eq(ssh_link()->open(runner_argv, &o, &link, &err), LATHE_INVALID);
        ck_assert_str_eq(err.field, "device.transport.destination");
    }
}
END_TEST

START_TEST(the_command_is_fixed_text_that_every_shell_hands_on)
{
    size_t n = strlen(ssh_command);
    ck_assert_int_eq(strncmp(ssh_command, "exec sh -c '", 12), 0);
    ck_assert_int_eq(ssh_command[n - 1], '\'');
    for (size_t i = 12; i + 1 < n; i++) ck_assert_msg(!strchr("'\\!\n", ssh_command[i]), "at %zu", i);
}
END_TEST

START_TEST(ssh_gets_options_before_the_destination_and_the_command_after)
{
    const char *const argv[] = {"/bin/true", NULL};
    const struct transport_options o = {.destination = "pi@board", .port = 2222, .ssh_config = "/tmp/my config"};
    struct link *link = NULL;
    struct lathe_error err = {0};
    ck_assert_msg(ssh_link()->open(argv, &o, &link, &err) == LATHE_OK, "%s", err.message);
    ssh_link()->close(link);
    char *arguments = read_file("arguments");
    ck_assert_ptr_nonnull(strstr(arguments, "\nBatchMode=yes\n"));
    ck_assert_ptr_nonnull(strstr(arguments, "\nServerAliveInterval=5\n"));
    ck_assert_ptr_nonnull(strstr(arguments, "\n-F\n/tmp/my config\n-p\n2222\n--\npi@board\nexec sh -c '"));
    ck_assert_str_eq(strstr(arguments, "\nexec ") + 1 + strlen(ssh_command), "\n");
    free(arguments);
}
END_TEST

/* Arguments go as data: nothing in them means anything to a shell. */
START_TEST(arguments_arrive_as_they_are)
{
    const char *const argv[] = {"/usr/bin/printf", "<%s>\\n", "a  b", " lead", "trail ", "it's", "\"$HOME\"", "`id`",
                                "$(id)",           "",        "-",    "\\n\\", "é;&|",   "*",    "~",         "!!",
                                "x=y #z",          NULL};
    static const char expected[] = "<a  b>\n< lead>\n<trail >\n<it's>\n<\"$HOME\">\n<`id`>\n<$(id)>\n<>\n<->\n"
                                   "<\\n\\>\n<é;&|>\n<*>\n<~>\n<!!>\n<x=y #z>\n";
    static const char *const shells[] = {"/bin/sh", "/bin/bash"};
    const struct transport_options o = {.destination = "board"};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        struct link *link = NULL;
        struct lathe_error err = {0};
        char got[1024];
        setenv("FAKE_SSH_SHELL", shells[i], 1);
        ck_assert_msg(ssh_link()->open(argv, &o, &link, &err) == LATHE_OK, "%s", err.message);
        read_to_end(link, got, sizeof got);
        ck_assert_str_eq(got, expected);
        ssh_link()->close(link);
    }
}
END_TEST

START_TEST(arguments_with_newlines_are_refused)
{
    const char *const argv[] = {"/bin/echo", "a\nb", NULL};
    const struct transport_options o = {.destination = "board"};
    struct link *link = NULL;
    ck_assert_int_eq(ssh_link()->open(argv, &o, &link, NULL), LATHE_INVALID);
}
END_TEST

struct saying {
    const char *said;
    enum lathe_status status;
    const char *means;
};

START_TEST(what_ssh_says_is_told_in_words_that_help)
{
    static const struct saying sayings[] = {
        {"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", LATHE_DENIED,
         "host key of pi@board has changed"},
        {"Host key verification failed.", LATHE_DENIED, "host key of pi@board is not known"},
        {"pi@board: Permission denied (publickey).", LATHE_DENIED, "does not accept the agent's key"},
        {"/x: line 1: Bad configuration option: colour", LATHE_INVALID, "Bad configuration option: colour"},
        {"ssh: Could not resolve hostname board: Name or service not known", LATHE_IO, "Could not resolve hostname"},
        {"ssh: connect to host board port 22: Connection refused", LATHE_IO, "Connection refused"},
    };
    const struct transport_options o = {.destination = "pi@board"};
    for (size_t i = 0; i < sizeof sayings / sizeof sayings[0]; i++) {
        struct link *link = NULL;
        struct lathe_error err = {0};
        setenv("FAKE_SSH_SAYS", sayings[i].said, 1);
        ck_assert_int_eq(ssh_link()->open(runner_argv, &o, &link, &err), sayings[i].status);
        ck_assert_msg(strstr(err.message, sayings[i].means) != NULL, "%s", err.message);
    }
}
END_TEST

START_TEST(a_runner_that_talks_like_ssh_is_not_taken_for_it)
{
    const char *const argv[] = {"/bin/sh", "-c", "echo Host key verification failed. >&2; exit 255", NULL};
    const struct transport_options o = {.destination = "board"};
    struct link *link = NULL;
    struct lathe_error err = {0};
    char byte;
    size_t got = 0;
    ck_assert_int_eq(ssh_link()->open(argv, &o, &link, &err), LATHE_OK);
    ck_assert_int_eq(ssh_link()->read(link, &byte, 1, 20000, &got, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "the connection to board broke"));
    ssh_link()->close(link);
}
END_TEST

START_TEST(a_runner_is_copied_and_then_used_again)
{
    const struct transport_options o = {.destination = "board", .bundles = LATHE_BUNDLES, .cpus = "0-1023"};
    const struct session_options options = {.transport = &o};
    char command[256];
    char *first = NULL;
    for (int i = 0; i < 2; i++) {
        struct session *s = open_session(ssh_link(), NULL, &options);
        struct visit_samples v = {0};
        prepare(s, 0, first_texts, FIRST);
        ck_assert_int_eq(session_run(s, 0, 0, 2, true, &v, NULL), LATHE_OK);
        visit_samples_clear(&v);
        session_close(s);
        snprintf(command, sizeof command, "ls -iA '%s'/cache/runner >'%s/list%d'", fake_ssh_folder, fake_ssh_folder, i);
        ck_assert_int_eq(system(command), 0);
    }
    first = read_file("list0");
    char *second = read_file("list1");
    ck_assert_str_eq(first, second);
    ck_assert_ptr_eq(strchr(first, '\n'), strrchr(first, '\n')); /* one, and nothing half-done */
    free(first);
    free(second);
}
END_TEST

START_TEST(opening_is_given_up_when_told_to_stop)
{
    atomic_int stop;
    atomic_init(&stop, 1);
    const struct transport_options o = {.destination = "board", .bundles = LATHE_BUNDLES, .stop = &stop};
    struct link *link = NULL;
    ck_assert_int_eq(ssh_link()->open(NULL, &o, &link, NULL), LATHE_CANCELLED);
}
END_TEST

START_TEST(bundles_have_the_checksums_that_programs_count)
{
    struct bundle b;
    struct bundle again;
    struct lathe_error err = {0};
    char path[160];
    char command[512];
    ck_assert_msg(bundle_make(LATHE_BUNDLES, LATHE_ARCHITECTURE, &b, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(bundle_make(LATHE_BUNDLES, LATHE_ARCHITECTURE, &again, NULL), LATHE_OK);
    ck_assert_str_eq(b.hash, again.hash);
    bundle_clear(&again);
    snprintf(path, sizeof path, "%s/b.tar", fake_ssh_folder);
    ck_assert_int_eq(file_write(path, b.data, b.size, 0600, NULL), LATHE_OK);
    snprintf(
        command, sizeof command,
        "cd '%s' && [ \"$(sha256sum <b.tar)\" = '%s  -' ] && [ \"$(cksum <b.tar)\" = '%u %zu' ] && tar xf b.tar && "
        "sha256sum --quiet -c SHA256SUMS && [ -x loader ] && cmp lathe-run '%s'",
        fake_ssh_folder, b.hash, b.cksum, b.size, LATHE_RUN);
    ck_assert_int_eq(system(command), 0);
    bundle_clear(&b);
    ck_assert_int_eq(cksum_posix("", 0), 4294967295u);
    ck_assert_int_eq(cksum_posix("123456789", 9), 930766865u); /* as POSIX's cksum prints it */
}
END_TEST

START_TEST(architectures_without_a_bundle_are_unsupported_and_those_there_are_named)
{
    struct bundle b;
    struct lathe_error err = {0};
    ck_assert_int_eq(bundle_make(LATHE_BUNDLES, "sparc64", &b, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "sparc64"));
    ck_assert_ptr_nonnull(strstr(err.message, LATHE_ARCHITECTURE));
    ck_assert_int_eq(bundle_make(LATHE_BUNDLES, "../runner/" LATHE_ARCHITECTURE, &b, &err), LATHE_UNSUPPORTED);
    ck_assert_int_eq(bundle_make("/nonexistent", LATHE_ARCHITECTURE, &b, &err), LATHE_UNSUPPORTED);
}
END_TEST

START_TEST(a_bundle_of_another_architecture_is_refused)
{
    struct bundle b;
    struct lathe_error err = {0};
    char command[512];
    const char *other = strcmp(LATHE_ARCHITECTURE, "aarch64") == 0 ? "x86_64" : "aarch64";
    snprintf(command, sizeof command, "cp -r '%s/%s' '%s/%s'", LATHE_BUNDLES, LATHE_ARCHITECTURE, fake_ssh_folder,
             other);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(bundle_make(fake_ssh_folder, other, &b, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "another architecture"));
}
END_TEST

START_TEST(lists_of_processors_are_read_strictly)
{
    static const char *const bad[] = {"", ",", "0,", "a", "1-", "-1", "3-1", "1 2", "0-1024", "00", "0x1"};
    cpu_set_t set;
    char mask[CPUS_MASK_BYTES];
    ck_assert_int_eq(cpus_parse("0-3,6,9", &set, NULL), LATHE_OK);
    ck_assert_int_eq(CPU_COUNT(&set), 6);
    cpus_mask(&set, mask);
    ck_assert_str_eq(mask, "24f");
    ck_assert_int_eq(cpus_parse("1023", &set, NULL), LATHE_OK);
    cpus_mask(&set, mask);
    ck_assert_uint_eq(strlen(mask), 256);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lathe_error err = {0};
        ck_assert_msg(cpus_parse(bad[i], &set, &err) == LATHE_INVALID, "%s", bad[i]);
        ck_assert_str_eq(err.field, "cpus");
    }
}
END_TEST

static TCase *ssh_cases(void)
{
    TCase *t = tcase_create("ssh");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, fake_ssh_set_up, fake_ssh_tear_down);
    tcase_add_test(t, destinations_are_names_and_nothing_else);
    tcase_add_test(t, the_command_is_fixed_text_that_every_shell_hands_on);
    tcase_add_test(t, ssh_gets_options_before_the_destination_and_the_command_after);
    tcase_add_test(t, arguments_arrive_as_they_are);
    tcase_add_test(t, arguments_with_newlines_are_refused);
    tcase_add_test(t, what_ssh_says_is_told_in_words_that_help);
    tcase_add_test(t, a_runner_that_talks_like_ssh_is_not_taken_for_it);
    tcase_add_test(t, a_runner_is_copied_and_then_used_again);
    tcase_add_test(t, opening_is_given_up_when_told_to_stop);
    return t;
}

static TCase *bundle_cases(void)
{
    TCase *t = tcase_create("bundle");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, fake_ssh_set_up, fake_ssh_tear_down);
    tcase_add_test(t, bundles_have_the_checksums_that_programs_count);
    tcase_add_test(t, architectures_without_a_bundle_are_unsupported_and_those_there_are_named);
    tcase_add_test(t, a_bundle_of_another_architecture_is_refused);
    tcase_add_test(t, lists_of_processors_are_read_strictly);
    return t;
}

TEST_MAIN("ssh transport", ssh_cases(), bundle_cases())
