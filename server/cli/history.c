/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The nights of a layer, or of a device's speed, and where they changed. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/nightly.h"
#include "server/cli/verbs.h"

enum { NIGHTS_SHOWN = 30, LEVELS = 8, TABLE_BYTES = 160 };

const struct option_spec history_options[] = {
    {"limit", OPTION_INTEGER, "N", "the last N nights (default 30)"},
    {0},
};

/* ---- the line of blocks ---- */

struct range {
    double least, most;
};

static struct range range_of(const json_t *nights, size_t from)
{
    struct range r = {0};
    bool any = false;
    for (size_t i = from; i < json_array_size(nights); i++) {
        const json_t *value = json_at(json_array_get(nights, i), "latency_ms");
        double ms = json_number_value(value);
        if (!json_is_number(value)) continue;
        if (!any || ms < r.least) r.least = ms;
        if (!any || ms > r.most) r.most = ms;
        any = true;
    }
    return r;
}

/* The change of a list at an index; NULL: there is none. */
static const json_t *change_at(const json_t *changes, size_t index)
{
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        if (json_integer_value(json_at(change, "index")) == (json_int_t)index) return change;
    }
    return NULL;
}

/* From the least to the most, with a bar where it changed. Nothing on terminals without these characters. */
static void print_line(const json_t *document, size_t from)
{
    static const char *const blocks[LEVELS] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84",
                                               "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
    const json_t *nights = json_at(document, "nights");
    struct range r = range_of(nights, from);
    double width = r.most - r.least;
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0 || json_array_size(nights) < from + 2) return;
    for (size_t i = from; i < json_array_size(nights); i++) {
        const json_t *value = json_at(json_array_get(nights, i), "latency_ms");
        double share = width > 0 ? (json_number_value(value) - r.least) / width : 0;
        if (i > from && change_at(json_at(document, "changes"), i)) putchar('|');
        if (json_is_number(value)) fputs(blocks[(int)(share * (LEVELS - 1) + 0.5)], stdout);
        else putchar(' ');
    }
    printf("  %.4f to %.4f ms\n\n", r.least, r.most);
}

/* ---- rows ---- */

static void set_notes(json_t *row, const json_t *change)
{
    char text[2 * WORDS_BYTES] = "";
    char p[WORDS_BYTES];
    if (change) {
        finding_p(change, p);
        snprintf(text, sizeof text, "%+.1f%% from here on%s%s", 100 * (number_at(change, "ratio") - 1),
                 p[0] ? ", p = " : "", p);
    }
    if (json_is_true(json_at(row, "fingerprint_changed")))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%sfingerprint differs", text[0] ? "; " : "");
    if (json_is_true(json_at(row, "accepted")))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%saccepted", text[0] ? "; " : "");
    json_object_set_new(row, "notes", json_string(text));
}

static void set_interval(json_t *row)
{
    char text[64] = "-";
    const json_t *range = json_at(row, "range_ms");
    if (json_array_size(range) == 2)
        snprintf(text, sizeof text, "%.4f to %.4f", json_number_value(json_array_get(range, 0)),
                 json_number_value(json_array_get(range, 1)));
    json_object_set_new(row, "interval", json_string(text));
}

/* Copies of the last nights with what is shown of them. New reference. */
static json_t *rows_of(const json_t *document, size_t from)
{
    const json_t *nights = json_at(document, "nights");
    json_t *rows = json_array();
    for (size_t i = from; i < json_array_size(nights); i++) {
        json_t *row = json_copy(json_array_get(nights, i));
        char at[32];
        minute_print(text_at(row, "at"), at);
        json_object_set_new(row, "minute", json_string(at));
        set_interval(row);
        set_notes(row, change_at(json_at(document, "changes"), i));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void print_history(const json_t *document, size_t shown)
{
    static const struct column columns[] = {
        {"NIGHT", "minute", CELL_TEXT},
        {"LATENCY ms", "latency_ms", 4},
        {"95% INTERVAL", "interval", CELL_TEXT},
        {"SAMPLES", "count", 0},
        {"RUN", "run", CELL_TEXT},
        {"NOTES", "notes", CELL_TEXT},
        {0},
    };
    size_t count = json_array_size(json_at(document, "nights"));
    size_t from = count > shown ? count - shown : 0;
    json_t *rows = rows_of(document, from);
    print_line(document, from);
    print_table(columns, rows);
    json_decref(rows);
}

enum exit_code run_history(struct cli *cli)
{
    char path[PATH_BYTES];
    char device[TABLE_BYTES];
    struct answer a;
    const struct option_value *limit = cli_option(cli, "limit");
    const char *slash = strchr(cli->arguments[0], '/');
    if (!slash) return cli_misuse(cli->verb, "%s is no DEVICE/CONFIG", cli->arguments[0]);
    if (limit->given && limit->integer < 1) return cli_misuse(cli->verb, "--limit needs at least 1");
    snprintf(device, sizeof device, "%.*s", (int)(slash - cli->arguments[0]), cli->arguments[0]);
    if (!path_print(path, "/v1/tables/%s/%s/nights", device, slash + 1)) return EXIT_FAILED;
    if (!path_query(path, "layer", cli->argument_count > 1 ? cli->arguments[1] : NULL)) return EXIT_FAILED;
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else if (json_array_size(json_at(a.json, "nights")) == 0) puts("No nights yet: lathe nightly --config C --space S");
    else print_history(a.json, limit->given ? (size_t)limit->integer : NIGHTS_SHOWN);
    answer_clear(&a);
    return EXIT_DONE;
}
