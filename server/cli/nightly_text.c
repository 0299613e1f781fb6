/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>
#include <string.h>

#include "server/cli/nightly.h"

enum { ROWS_SHOWN = 5 };

/* "governor: performance -> powersave" for each field that differs. */
static void put_causes(const json_t *target, const char *heading, struct buf *out)
{
    const json_t *fields = json_at(target, "fingerprint");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        char before[WORDS_BYTES];
        char now[WORDS_BYTES];
        value_print(json_at(field, "before"), before, sizeof before);
        value_print(json_at(field, "now"), now, sizeof now);
        buf_printf(out, "  %s: ", heading);
        buf_shown(out, shown_at(field, "field"));
        buf_puts(out, " was ");
        buf_shown(out, before);
        buf_puts(out, ", is ");
        buf_shown(out, now);
        buf_puts(out, "\n");
    }
}

static void put_rows(const json_t *finding, struct buf *out)
{
    const json_t *rows = json_at(finding, "rows");
    size_t count = json_array_size(rows);
    if (count < 2) return;
    for (size_t i = 0; i < count && i < ROWS_SHOWN; i++) {
        const json_t *row = json_array_get(rows, i);
        char percent[WORDS_BYTES];
        char now[32];
        char before[32];
        finding_percent(row, percent);
        ms_print(json_at(row, "now_ms"), now);
        ms_print(json_at(row, "before_ms"), before);
        buf_printf(out, "    %7s  %s ms, was %s  ", percent, now, before);
        buf_shown(out, shown_at(row, "layer"));
        buf_puts(out, "\n");
    }
    if (count > ROWS_SHOWN) buf_printf(out, "    and %zu more rows\n", count - ROWS_SHOWN);
}

/* What meets the limit again, where it is missed. */
static void put_replacement(const json_t *finding, struct buf *out)
{
    const json_t *replacement = json_at(finding, "subnet.replacement");
    const json_t *limit = json_at(finding, "subnet.limit_ms");
    char words[WORDS_BYTES];
    char *json = subnet_json(json_at(replacement, "subnet"));
    subnet_limit(finding, words);
    if (words[0]) buf_printf(out, "    it is %s\n", words);
    if (json) {
        ms_print(json_at(replacement, "latency_ms"), words);
        buf_printf(out, "    this one meets it again: %s ms", words);
        if (json_is_number(json_at(replacement, "top1")))
            buf_printf(out, ", top-1 %.2f%%", 100 * number_at(replacement, "top1"));
        buf_puts(out, "\n      ");
        buf_shown(out, json);
        buf_puts(out, "\n");
    } else if (json_is_number(limit) && number_at(finding, "subnet.now_ms") > json_number_value(limit)) {
        buf_puts(out, "    no subnet was found that meets it\n");
    }
    free(json);
}

static void put_finding(const json_t *run, const json_t *finding, struct buf *out)
{
    char words[WORDS_BYTES];
    const json_t *limit = json_at(finding, "subnet.limit_ms");
    bool is_subnet = finding_scope(finding) == SCOPE_SUBNET;
    finding_subject(finding, words);
    buf_puts(out, finding_is_slower(finding) ? "  SLOWER  " : "  faster  ");
    if (is_subnet) buf_puts(out, "the subnet you shipped ");
    if (json_is_number(limit)) buf_printf(out, "for %g ms ", json_number_value(limit));
    if (is_subnet) buf_puts(out, "as ");
    buf_shown(out, words);
    finding_sentence(run, finding, words);
    buf_puts(out, " ");
    buf_shown(out, words);
    buf_puts(out, "\n");
    if (is_subnet) put_replacement(finding, out);
    else put_rows(finding, out);
}

static void put_target(const json_t *run, const json_t *target, struct buf *out)
{
    const json_t *findings = json_at(run, "findings");
    char name[WORDS_BYTES];
    bool changed = target_findings(run, target) > 0;
    if (target_failed(target) || (!changed && json_array_size(json_at(target, "fingerprint")) == 0)) return;
    target_name(target, name);
    buf_puts(out, "\n");
    buf_shown(out, name);
    if (text_at(target, "baseline_run")) {
        buf_puts(out, ", compared with ");
        buf_shown(out, shown_at(target, "baseline_run"));
    }
    buf_printf(out, ", %.0f of %.0f rows\n", number_at(target, "rows_compared"), number_at(target, "rows_total"));
    put_causes(target, changed ? "likely cause" : "differs, without effect", out);
    for (int scope = 0; scope < SCOPES; scope++) {
        for (size_t i = 0; i < json_array_size(findings); i++) {
            const json_t *finding = json_array_get(findings, i);
            if (finding_is_of(finding, target) && (int)finding_scope(finding) == scope) put_finding(run, finding, out);
        }
    }
}

static void put_failures(const json_t *targets, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        char name[WORDS_BYTES];
        if (!target_failed(target)) continue;
        target_name(target, name);
        if (first) buf_puts(out, "\n");
        first = false;
        buf_shown(out, name);
        buf_puts(out, " could not be profiled: ");
        buf_shown(out, shown_at(target, "error"));
        buf_puts(out, "\n");
    }
}

void nightly_text(const json_t *run, struct buf *out)
{
    const json_t *targets = json_at(run, "targets");
    char words[WORDS_BYTES];
    const char *label = text_at(run, "label");
    run_summary(run, words);
    buf_shown(out, shown_at(run, "id"));
    if (label) {
        buf_puts(out, " (");
        buf_shown(out, label);
        buf_puts(out, ")");
    }
    buf_puts(out, ": ");
    buf_shown(out, words);
    buf_puts(out, "\n");
    for (size_t i = 0; i < json_array_size(targets); i++) put_target(run, json_array_get(targets, i), out);
    put_failures(targets, out);
    if (strcmp(shown_at(run, "outcome"), "regression") != 0) return;
    if (json_at(run, "accepted")) buf_puts(out, "\nThis level has been accepted.\n");
    else {
        buf_puts(out, "\nIf this is as it is to be: lathe nightly accept ");
        buf_shown(out, shown_at(run, "id"));
        buf_puts(out, "\n");
    }
}
