/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A program named ssh, first in PATH, that passes over its options and destination and runs the command here: what the
 * device's shell would be handed. Its standard error says what FAKE_SSH_SAYS holds and it fails as ssh does, when that
 * is set. */
#ifndef LATHE_TESTS_TRANSPORT_SSH_H
#define LATHE_TESTS_TRANSPORT_SSH_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char fake_ssh_folder[64];

static inline void fake_ssh_set_up(void)
{
    static const char script[] = "#!/bin/sh\n"
                                 "printf '%s\\n' \"$@\" >\"${0%/*}/arguments\"\n"
                                 "if [ -n \"$FAKE_SSH_SAYS\" ]; then echo \"$FAKE_SSH_SAYS\" >&2; exit 255; fi\n"
                                 "while [ \"$1\" != -- ]; do shift; done\n"
                                 "shift 2\n"
                                 "exec ${FAKE_SSH_SHELL:-/bin/sh} -c \"$*\"\n";
    char path[96];
    char search[4096];
    snprintf(fake_ssh_folder, sizeof fake_ssh_folder, "/tmp/lathe-test-fake-ssh-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fake_ssh_folder));
    snprintf(path, sizeof path, "%s/ssh", fake_ssh_folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(script, f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(path, 0755), 0);
    snprintf(search, sizeof search, "%s:%s", fake_ssh_folder, getenv("PATH"));
    setenv("PATH", search, 1);
    snprintf(path, sizeof path, "%s/cache", fake_ssh_folder);
    setenv("LATHE_CACHE", path, 1);
    unsetenv("FAKE_SSH_SAYS");
}

static inline void fake_ssh_tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", fake_ssh_folder);
    ck_assert_int_eq(system(command), 0);
}

#endif
