/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Where a subnet's time goes, what is left of the limits, what comes next, and what the search took. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"

/* Shares as percentages under "percent", of copies of the rows. New reference. */
static json_t *with_percent(const json_t *rows, const char *share)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_copy(json_array_get(rows, i));
        json_object_set_new(row, "percent", json_real(100 * number_at(row, share)));
        json_array_append_new(out, row);
    }
    return out;
}

static void print_parts(const json_t *parts, const struct column *columns)
{
    json_t *rows = with_percent(parts, "share");
    putchar('\n');
    print_table(columns, rows);
    json_decref(rows);
}

/* "latency_ms" of several tables by the table that it is of: "latency_ms[1]" is the second's. */
static json_t *limit_title(const json_t *answer, const char *name)
{
    const json_t *tables = json_at(answer, "provenance.tables");
    if (!tables || strncmp(name, "latency_ms", 10) != 0) return json_string(name);
    size_t table = name[10] == '[' ? strtoul(name + 11, NULL, 10) : 0;
    return json_sprintf("latency_ms by %s", shown_at(json_array_get(tables, table), "table"));
}

static void print_limits(const json_t *answer)
{
    static const struct column columns[] = {{"LIMIT", "name", CELL_TEXT}, {"AT MOST", "limit", 3},  {"USED", "used", 3},
                                            {"LEFT", "left", 3},          {"LEFT %", "percent", 1}, {0}};
    json_t *rows = json_array();
    const char *name;
    json_t *limit;
    json_object_foreach((json_t *)json_at(answer, "explain.limits"), name, limit)
    {
        json_t *row = json_copy(limit);
        json_object_set_new(row, "name", limit_title(answer, name));
        json_array_append_new(rows, row);
    }
    json_t *shown = with_percent(rows, "left_share");
    if (json_array_size(shown)) {
        putchar('\n');
        print_table(columns, shown);
    }
    json_decref(rows);
    json_decref(shown);
}

static void print_next(const json_t *answer)
{
    static const struct {
        const char *field, *title, *unit;
    } costs[] = {{"latency_ms", "latency", "ms"}, {"macs_m", "MACs", "M"},
                 {"params_m", "parameters", "M"}, {"peak_activation_kb", "activations", "kB"},
                 {"weights_kb", "weights", "kB"}, {"sram_kb", "SRAM", "kB"},
                 {"flash_kb", "flash", "kB"}};
    const json_t *next = json_at(answer, "explain.next");
    if (!next) return; /* the search did not look for one, or found none */
    printf("next point   top-1 %.2f %% (%+.2f points)", 100 * number_at(next, "top1"),
           100 * number_at(next, "top1_gain"));
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        double extra = number_at(json_at(next, "extra"), costs[i].field);
        if (extra != 0) printf(", %s %+.3g %s", costs[i].title, extra, costs[i].unit);
    }
    putchar('\n');
}

static void print_effort(const json_t *effort)
{
    const json_t *factors = json_at(effort, "factors");
    printf("search cost  %.0f evaluations, %.1f ms of CPU time, %.3g J, %.3g g CO2e\n",
           number_at(effort, "evaluations"), number_at(effort, "cpu_ms"), number_at(effort, "energy_j"),
           number_at(effort, "co2e_g"));
    printf("factors      %g W a core, PUE %g, %.0f g CO2e/kWh (%s)\n", number_at(factors, "core_w"),
           number_at(factors, "pue"), number_at(factors, "grid_g_per_kwh"), shown_at(factors, "source"));
    printf("compare      %.0f kg CO2e (%s)\n", number_at(effort, "conventional_nas.co2e_kg"),
           shown_at(effort, "conventional_nas.source"));
}

void print_explanation(const json_t *answer)
{
    static const struct column stages[] = {
        {"STAGE", "stage", CELL_TEXT}, {"LATENCY ms", "latency_ms", 3}, {"SHARE %", "percent", 1}, {0}};
    static const struct column layers[] = {{"SLOWEST", "slot", CELL_TEXT},
                                           {"LATENCY ms", "latency_ms", 3},
                                           {"SHARE %", "percent", 1},
                                           {"LAYER", "layer", CELL_TEXT},
                                           {0}};
    print_parts(json_at(answer, "explain.stages"), stages);
    print_parts(json_at(answer, "explain.slowest_layers"), layers);
    print_limits(answer);
    putchar('\n');
    print_next(answer);
    print_effort(json_at(answer, "search.effort"));
}
