/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What others chose stands in code spans: no markup, mention or link comes of it. */
#include <stdlib.h>
#include <string.h>

#include "server/cli/nightly.h"

enum { ROWS_SHOWN = 20, FINDINGS_SHOWN = 200, SPAN_BYTES = 1024 };

/* ---- cells ---- */

/* The longest run of backticks of a text. */
static size_t longest_fence(const char *text)
{
    size_t longest = 0;
    while (*text) {
        size_t n = strspn(text, "`");
        if (n > longest) longest = n;
        text += n ? n : 1;
    }
    return longest;
}

/* A table's cell ends at a bare "|"; a backslash before it would be taken for what escapes the one that we add. */
static void put_pipe(struct buf *out, char before)
{
    buf_puts(out, before == '\\' ? "\xc2\xa6" : "\\|");
}

/* @param cell in a table. */
static void put_span(struct buf *out, const char *text, bool cell)
{
    size_t fence = longest_fence(text) + 1;
    size_t length = strlen(text);
    bool pad = length > 0 && (text[0] == '`' || text[length - 1] == '`');
    struct buf shown;
    buf_init(&shown);
    buf_shown(&shown, length ? text : "-");
    for (size_t i = 0; i < fence; i++) buf_puts(out, "`");
    if (pad) buf_puts(out, " ");
    for (size_t i = 0; i < shown.size; i++) {
        if (cell && shown.data[i] == '|') put_pipe(out, i ? shown.data[i - 1] : ' ');
        else buf_put(out, shown.data + i, 1);
    }
    if (pad) buf_puts(out, " ");
    for (size_t i = 0; i < fence; i++) buf_puts(out, "`");
    buf_clear(&shown);
}

static void put_code(struct buf *out, const char *text)
{
    put_span(out, text, false);
}

static void put_cell(struct buf *out, const char *text)
{
    buf_printf(out, " %s |", text[0] ? text : "-");
}

static void put_code_cell(struct buf *out, const char *text)
{
    buf_puts(out, " ");
    put_span(out, text, true);
    buf_puts(out, " |");
}

static void put_ms_cell(struct buf *out, const json_t *value)
{
    char text[32];
    ms_print(value, text);
    put_cell(out, text);
}

static void put_words_cell(struct buf *out, const json_t *finding, void (*words)(const json_t *, char[WORDS_BYTES]))
{
    char text[WORDS_BYTES];
    words(finding, text);
    put_cell(out, text);
}

static void put_target_cell(struct buf *out, const json_t *document)
{
    char name[WORDS_BYTES];
    target_name(document, name);
    buf_puts(out, "|");
    put_code_cell(out, name);
}

/* ---- tables ---- */

static void put_causes(const json_t *targets, struct buf *out)
{
    bool first = true;
    for (size_t t = 0; t < json_array_size(targets); t++) {
        const json_t *target = json_array_get(targets, t);
        const json_t *fields = json_at(target, "fingerprint");
        for (size_t i = 0; i < json_array_size(fields); i++) {
            const json_t *field = json_array_get(fields, i);
            char value[SPAN_BYTES];
            if (first)
                buf_puts(out,
                         "\n### What differs from the baseline\n\n| device | what | was | is |\n|---|---|---|---|\n");
            first = false;
            put_target_cell(out, target);
            put_code_cell(out, shown_at(field, "field"));
            value_print(json_at(field, "before"), value, sizeof value);
            put_code_cell(out, value);
            value_print(json_at(field, "now"), value, sizeof value);
            put_code_cell(out, value);
            buf_puts(out, "\n");
        }
    }
}

static void put_subject(struct buf *out, const json_t *finding)
{
    char subject[WORDS_BYTES];
    enum scope scope = finding_scope(finding);
    finding_subject(finding, subject);
    if (scope == SCOPE_DEVICE || scope == SCOPE_STAGE) put_cell(out, subject);
    else put_code_cell(out, subject);
}

static void put_since_cell(const json_t *run, const json_t *finding, struct buf *out)
{
    char words[WORDS_BYTES];
    finding_since(run, finding, words);
    put_cell(out, words);
}

static void put_finding(const json_t *run, const json_t *finding, struct buf *out)
{
    put_target_cell(out, finding);
    put_subject(out, finding);
    buf_printf(out, " **%s**%s |", finding_is_slower(finding) ? "slower" : "faster",
               strcmp(shown_at(finding, "nature"), "drift") == 0 ? ", drift" : "");
    put_words_cell(out, finding, finding_percent);
    put_words_cell(out, finding, finding_interval);
    put_ms_cell(out, json_at(finding, "before_ms"));
    put_ms_cell(out, json_at(finding, "now_ms"));
    buf_printf(out, " %.0f |", number_at(finding, "row_count"));
    put_words_cell(out, finding, finding_p);
    put_words_cell(out, finding, finding_confirmed);
    put_since_cell(run, finding, out);
    buf_puts(out, "\n");
}

static void put_findings(const json_t *run, struct buf *out)
{
    const json_t *findings = json_at(run, "findings");
    size_t shown = 0;
    size_t left = 0;
    for (int scope = SCOPE_DEVICE; scope < SCOPE_SUBNET; scope++) {
        for (size_t i = 0; i < json_array_size(findings); i++) {
            const json_t *finding = json_array_get(findings, i);
            if ((int)finding_scope(finding) != scope) continue;
            if (shown == FINDINGS_SHOWN) {
                left++;
                continue;
            }
            if (shown++ == 0)
                buf_puts(out,
                         "\n### Findings\n\n| device | what | | change | 95% interval | was, ms | is, ms | rows | p | "
                         "confirmed | since |\n|---|---|---|---:|---|---:|---:|---:|---:|---|---|\n");
            put_finding(run, finding, out);
        }
    }
    if (left) buf_printf(out, "\nAnd %zu more.\n", left);
    if (shown) buf_puts(out, "\np is corrected for all that was compared (false discovery rate).\n");
}

static void put_html(struct buf *out, const char *text)
{
    struct buf shown;
    buf_init(&shown);
    buf_shown(&shown, text);
    for (size_t i = 0; i < shown.size; i++) {
        if (strchr("<>&@#`*_[]\\|", shown.data[i])) buf_printf(out, "&#%d;", shown.data[i]);
        else buf_put(out, shown.data + i, 1);
    }
    buf_clear(&shown);
}

static void put_rows(const json_t *finding, struct buf *out)
{
    const json_t *rows = json_at(finding, "rows");
    size_t count = json_array_size(rows);
    char subject[WORDS_BYTES];
    if (count < 2) return;
    finding_subject(finding, subject);
    buf_puts(out, "\n<details><summary>Rows of ");
    put_html(out, subject);
    buf_puts(out, "</summary>\n\n| layer | change | was, ms | is, ms |\n|---|---:|---:|---:|\n");
    for (size_t i = 0; i < count && i < ROWS_SHOWN; i++) {
        const json_t *row = json_array_get(rows, i);
        buf_puts(out, "|");
        put_code_cell(out, shown_at(row, "layer"));
        put_words_cell(out, row, finding_percent);
        put_ms_cell(out, json_at(row, "before_ms"));
        put_ms_cell(out, json_at(row, "now_ms"));
        buf_puts(out, "\n");
    }
    if (count > ROWS_SHOWN) buf_printf(out, "\nAnd %zu more rows.\n", count - ROWS_SHOWN);
    buf_puts(out, "\n</details>\n");
}

static void put_limit_cell(const json_t *finding, struct buf *out)
{
    char words[WORDS_BYTES];
    subnet_limit(finding, words);
    put_cell(out, words);
}

static void put_replacement_cell(const json_t *finding, struct buf *out)
{
    const json_t *replacement = json_at(finding, "subnet.replacement");
    char *json = subnet_json(json_at(replacement, "subnet"));
    char ms[32];
    if (json) {
        ms_print(json_at(replacement, "latency_ms"), ms);
        buf_printf(out, " %s ms", ms);
        if (json_is_number(json_at(replacement, "top1")))
            buf_printf(out, ", top-1 %.2f%%", 100 * number_at(replacement, "top1"));
        buf_puts(out, ":");
        put_code_cell(out, json);
    } else put_cell(out, "");
    free(json);
}

static void put_subnets(const json_t *run, struct buf *out)
{
    const json_t *findings = json_at(run, "findings");
    bool first = true;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (finding_scope(finding) != SCOPE_SUBNET) continue;
        if (first)
            buf_puts(out,
                     "\n### Shipped subnets\n\n| device | subnet | change | 95% interval | was, ms | is, ms | limit | "
                     "p | since | meets the limit again |\n|---|---|---:|---|---:|---:|---|---:|---|---|\n");
        first = false;
        put_target_cell(out, finding);
        put_subject(out, finding);
        put_words_cell(out, finding, finding_percent);
        put_words_cell(out, finding, finding_interval);
        put_ms_cell(out, json_at(finding, "before_ms"));
        put_ms_cell(out, json_at(finding, "now_ms"));
        put_limit_cell(finding, out);
        put_words_cell(out, finding, finding_p);
        put_since_cell(run, finding, out);
        put_replacement_cell(finding, out);
        buf_puts(out, "\n");
    }
}

static void put_failures(const json_t *targets, struct buf *out)
{
    bool first = true;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        if (!target_failed(target)) continue;
        if (first) buf_puts(out, "\n### Could not be profiled\n\n| device | why |\n|---|---|\n");
        first = false;
        put_target_cell(out, target);
        put_code_cell(out, shown_at(target, "error"));
        buf_puts(out, "\n");
    }
}

static void put_heading(const json_t *run, struct buf *out)
{
    char words[WORDS_BYTES];
    char at[32];
    run_summary(run, words);
    buf_printf(out, "## Lathe: %s\n\nRun ", words);
    put_code(out, shown_at(run, "id"));
    minute_print(text_at(run, "created"), at);
    buf_printf(out, " of %s, space ", at);
    put_code(out, shown_at(run, "space"));
    if (text_at(run, "label")) {
        buf_puts(out, ", ");
        put_code(out, text_at(run, "label"));
    }
    buf_puts(out, ".\n");
}

void nightly_markdown(const json_t *run, struct buf *out)
{
    const json_t *findings = json_at(run, "findings");
    put_heading(run, out);
    put_causes(json_at(run, "targets"), out);
    put_findings(run, out);
    for (size_t i = 0; i < json_array_size(findings) && i < FINDINGS_SHOWN; i++)
        if (finding_scope(json_array_get(findings, i)) != SCOPE_SUBNET) put_rows(json_array_get(findings, i), out);
    put_subnets(run, out);
    put_failures(json_at(run, "targets"), out);
    if (strcmp(shown_at(run, "outcome"), "regression") != 0) return;
    if (json_at(run, "accepted")) buf_puts(out, "\nThis level has been accepted.\n");
    else {
        buf_puts(out, "\nIf this is as it is to be: ");
        char command[WORDS_BYTES];
        snprintf(command, sizeof command, "lathe nightly accept %s", shown_at(run, "id"));
        put_code(out, command);
        buf_puts(out, "\n");
    }
}
