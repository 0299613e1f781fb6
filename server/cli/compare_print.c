/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/compare.h"
#include "server/cli/plot.h"

enum { TEXT_BYTES = 320 };

static const char ofa[] = "once-for-all";

/* ---- tables ---- */

static const struct column network_columns[] = {
    {"NETWORK", "title", CELL_TEXT},
    {"TOP-1 %", "top1_percent", 1},
    {"MACs M", "macs_m", 1},
    {"LATENCY ms", "latency_ms", 3},
    {"95% INTERVAL", "interval", CELL_TEXT},
    {"SOURCE", "source", CELL_TEXT},
    {0},
};
static const struct column speedup_columns[] = {
    {"NETWORK", "name", CELL_TEXT},     {"TOP-1 %", "top1_percent", 1},  {"LATENCY ms", "latency_ms", 3},
    {"ONCE-FOR-ALL ms", "front_ms", 3}, {"FASTER", "faster", CELL_TEXT}, {0},
};

static void set_text(json_t *row, const char *name, const char *text)
{
    json_object_set_new(row, name, json_string(text));
}

static void add_interval(json_t *row)
{
    char text[64] = "-";
    const json_t *range = json_at(row, "latency_ms_range");
    if (range)
        snprintf(text, sizeof text, "%.3f to %.3f", json_number_value(json_array_get(range, 0)),
                 json_number_value(json_array_get(range, 1)));
    set_text(row, "interval", text);
}

static void add_faster(json_t *row)
{
    char text[64] = "nothing as accurate";
    bool at_least = json_is_true(json_at(row, "at_least"));
    if (json_at(row, "speedup"))
        snprintf(text, sizeof text, "%s%.2fx", at_least ? "at least " : "", number_at(row, "speedup"));
    else if (json_at(row, "front_ms")) snprintf(text, sizeof text, "nothing so small");
    set_text(row, "faster", text);
}

/* Copies with what is shown of them. New reference. */
static json_t *rows_of(const json_t *list, void (*add)(json_t *))
{
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *row = json_copy(json_array_get(list, i));
        json_object_set_new(row, "top1_percent", json_real(100 * number_at(row, "top1")));
        add(row);
        json_array_append_new(rows, row);
    }
    return rows;
}

/* What would end a cell, or be taken for markup, is escaped. */
static void print_markdown_text(const char *text)
{
    for (; *text; text++) {
        if (strchr("\\|`*_<>[]", *text)) putchar('\\');
        putchar(*text);
    }
}

static void print_markdown_cell(const struct column *column, const json_t *row)
{
    char text[TEXT_BYTES];
    const json_t *value = json_at(row, column->field);
    if (json_is_number(value) && column->decimals >= 0) printf("%.*f", column->decimals, json_number_value(value));
    else {
        value_print(value, text, sizeof text);
        print_markdown_text(text);
    }
}

static void print_markdown(const struct column *columns, const json_t *rows)
{
    for (const struct column *c = columns; c->heading; c++) printf("| %s ", c->heading);
    puts("|");
    for (const struct column *c = columns; c->heading; c++) fputs(c->decimals >= 0 ? "|---:" : "|---", stdout);
    puts("|");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        for (const struct column *c = columns; c->heading; c++) {
            fputs("| ", stdout);
            print_markdown_cell(c, json_array_get(rows, i));
            putchar(' ');
        }
        puts("|");
    }
}

static void print_rows(const struct column *columns, json_t *take_rows, bool markdown)
{
    if (markdown) print_markdown(columns, take_rows);
    else print_table(columns, take_rows);
    putchar('\n');
    json_decref(take_rows);
}

/* ---- what it comes to ---- */

static void claim_print(const json_t *claim, char out[TEXT_BYTES])
{
    const json_t *measured = json_at(claim, "measured");
    double least = json_number_value(json_array_get(measured, 0));
    double most = json_number_value(json_array_get(measured, 1));
    int n = snprintf(out, TEXT_BYTES,
                     "Published (%s): %.1f times as fast as %s at its top-1. Measured here: ", shown_at(claim, "where"),
                     number_at(claim, "claimed"), shown_at(claim, "family"));
    if (n < 0 || n >= TEXT_BYTES) return;
    if (!measured) snprintf(out + n, TEXT_BYTES - (size_t)n, "nothing to compare.");
    else if (most - least < 0.005) snprintf(out + n, TEXT_BYTES - (size_t)n, "%.2f times.", most);
    else snprintf(out + n, TEXT_BYTES - (size_t)n, "%.2f to %.2f times.", least, most);
}

/* The networks that have one note, once. */
static void print_note(const json_t *networks, size_t first, bool markdown)
{
    const char *note = shown_at(json_array_get(networks, first), "notes");
    for (size_t i = 0; i < first; i++)
        if (strcmp(shown_at(json_array_get(networks, i), "notes"), note) == 0) return;
    if (markdown) fputs("- ", stdout);
    for (size_t i = first; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        if (strcmp(shown_at(network, "notes"), note) == 0)
            printf("%s%s", i > first ? ", " : "", shown_at(network, "title"));
    }
    printf(": %s\n", note);
}

static void print_notes(const json_t *report, bool markdown)
{
    const json_t *networks = json_at(report, "networks");
    const json_t *failed = json_at(report, "failed");
    for (size_t i = 0; i < json_array_size(networks); i++)
        if (json_at(json_array_get(networks, i), "notes")) print_note(networks, i, markdown);
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const json_t *network = json_array_get(failed, i);
        printf("%s%s could not be measured: %s\n", markdown ? "- " : "", shown_at(network, "name"),
               shown_at(network, "error"));
    }
}

/* Whether there is something to compare with. */
static bool has_ofa(const json_t *networks)
{
    for (size_t i = 0; i < json_array_size(networks); i++)
        if (strcmp(shown_at(json_array_get(networks, i), "family"), ofa) == 0) return true;
    return false;
}

static void print_speedups(const json_t *report, bool markdown)
{
    const json_t *claims = json_at(report, "claims");
    if (!has_ofa(json_at(report, "networks")) || !json_array_size(json_at(report, "speedups"))) return;
    print_rows(speedup_columns, rows_of(json_at(report, "speedups"), add_faster), markdown);
    for (size_t i = 0; i < json_array_size(claims); i++) {
        char text[TEXT_BYTES];
        claim_print(json_array_get(claims, i), text);
        printf("%s%s\n", markdown ? "- " : "", text);
    }
}

void compare_print(const json_t *report, bool markdown)
{
    printf("%s%s, %s, %.0f rounds\n\n", markdown ? "## " : "", shown_at(report, "device"), shown_at(report, "config"),
           number_at(report, "rounds"));
    print_rows(network_columns, rows_of(json_at(report, "networks"), add_interval), markdown);
    print_speedups(report, markdown);
    printf("%sTop-1 is as published, with each network's own training; latency was measured here.\n\n",
           markdown ? "- " : "");
    print_notes(report, markdown);
}

/* ---- the plot ---- */

struct families {
    const char *names[PLOT_SERIES_MOST];
    int count;
};

/* The number of a family, a new one for a new name; the last one takes those beyond. */
static int series_of(struct families *f, const char *name)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->names[i], name) == 0) return i;
    if (f->count == PLOT_SERIES_MOST) return f->count - 1;
    f->names[f->count] = name;
    return f->count++;
}

static void point_print(const json_t *network, char out[TEXT_BYTES])
{
    const json_t *range = json_at(network, "latency_ms_range");
    int n = snprintf(out, TEXT_BYTES, "%.100s: %.1f %% at %.3f ms", shown_at(network, "title"),
                     100 * number_at(network, "top1"), number_at(network, "latency_ms"));
    if (range && n > 0 && n < TEXT_BYTES)
        snprintf(out + n, TEXT_BYTES - (size_t)n, " (95%% interval %.3f to %.3f)",
                 json_number_value(json_array_get(range, 0)), json_number_value(json_array_get(range, 1)));
}

/* @param names TEXT_BYTES each. */
static void make_points(const json_t *networks, struct families *families, struct plot_point *points, char *names)
{
    series_of(families, ofa); /* the first colour */
    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        const json_t *range = json_at(network, "latency_ms_range");
        char *name = names + i * TEXT_BYTES;
        point_print(network, name);
        points[i] = (struct plot_point){
            .x = number_at(network, "latency_ms"),
            .y = 100 * number_at(network, "top1"),
            .low = json_number_value(json_array_get(range, 0)),
            .high = json_number_value(json_array_get(range, 1)),
            .series = series_of(families, shown_at(network, "family")),
            .name = name,
            .label = strcmp(shown_at(network, "family"), ofa) == 0 ? NULL : shown_at(network, "title"),
        };
    }
}

/* For those who can't see the plot. */
static void describe(const json_t *report, char *out, size_t size)
{
    const json_t *claims = json_at(report, "claims");
    int n =
        snprintf(out, size, "%zu networks by published ImageNet top-1 and latency measured on %s with %s.",
                 json_array_size(json_at(report, "networks")), shown_at(report, "device"), shown_at(report, "config"));
    for (size_t i = 0; i < json_array_size(claims) && n > 0 && (size_t)n < size; i++) {
        char text[TEXT_BYTES];
        claim_print(json_array_get(claims, i), text);
        n += snprintf(out + n, size - (size_t)n, " %s", text);
    }
}

char *compare_plot(const json_t *report)
{
    const json_t *networks = json_at(report, "networks");
    size_t count = json_array_size(networks);
    struct plot_point *points = calloc(count + 1, sizeof *points);
    char *names = calloc(count + 1, TEXT_BYTES);
    struct families families = {0};
    char title[200];
    char description[1200];
    char *svg = NULL;
    if (points && names) {
        make_points(networks, &families, points, names);
        snprintf(title, sizeof title, "Published networks on %.80s, %.80s", shown_at(report, "device"),
                 shown_at(report, "config"));
        describe(report, description, sizeof description);
        svg = plot_svg(&(struct plot){.title = title,
                                      .description = description,
                                      .x_title = "latency, ms (measured; logarithmic)",
                                      .y_title = "ImageNet top-1, % (published)",
                                      .series = families.names,
                                      .series_count = families.count,
                                      .points = points,
                                      .count = count});
    }
    free(points);
    free(names);
    if (!svg) fputs("lathe: can't plot that\n", stderr);
    return svg;
}
