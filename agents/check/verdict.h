/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a check came to. Threads: plain values. */
#ifndef LATHE_CHECK_VERDICT_H
#define LATHE_CHECK_VERDICT_H

#include <stdbool.h>

enum verdict_result {
    VERDICT_OK,
    VERDICT_FAILED,
    VERDICT_SKIPPED, /* the runner need not do what is checked, and says that it does not */
};

struct verdict {
    enum verdict_result result;
    char expected[320], got[448]; /* of a failure: what PROTOCOL.md asks for, and what came instead */
    char note[448];               /* "" or what is worth knowing though it is no failure; why it was skipped */
    const char *paragraph;        /* of PROTOCOL.md, static */
};

/** Fail; the first failure stands. @return false, so that checks can `return verdict_fail(..)`. */
bool verdict_fail(struct verdict *, const char *expected, const char *got_format, ...)
    __attribute__((format(printf, 3, 4)));
/** The same where another paragraph than the check's own is broken. */
bool verdict_fail_by(struct verdict *, const char *paragraph, const char *expected, const char *got_format, ...)
    __attribute__((format(printf, 4, 5)));
/** Add to the note; pieces are joined by "; ". */
void verdict_note(struct verdict *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Nothing to check, for the reason given. @return false. */
bool verdict_skip(struct verdict *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
