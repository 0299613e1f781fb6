/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

enum { PLOT_COLUMNS = 60, PLOT_ROWS = 16 };

static const struct {
    const char *objective, *field, *heading;
    int decimals;
    bool always; /* in a table, whatever the objectives are */
} costs[] = {
    {"latency", "latency_ms", "LATENCY ms", 3, true},
    {"macs", "macs_m", "MACs M", 1, true},
    {"params", "params_m", "PARAMS M", 2, true},
    {"peak_activation", "peak_activation_kb", "ACTIVATIONS kB", 0, false},
    {"weights", "weights_kb", "WEIGHTS kB", 0, false},
    {"sram", "sram_kb", "SRAM kB", 0, false},
    {"flash", "flash_kb", "FLASH kB", 0, false},
};
enum { COST_COUNT = sizeof costs / sizeof costs[0] };

/* The number of the cost that top-1 is set against. */
static int cost_of(const json_t *front)
{
    const json_t *objectives = json_at(front, "objectives");
    for (int c = 0; c < COST_COUNT; c++)
        for (size_t i = 0; i < json_array_size(objectives); i++)
            if (strcmp(json_string_value(json_array_get(objectives, i)), costs[c].objective) == 0) return c;
    return 0;
}

/* ---- for people ---- */

/* Numbers with blanks between; 0 is a choice of a skipped block. New reference. */
static json_t *joined(const json_t *list)
{
    char text[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list) && n < sizeof text; i++) {
        double value = json_number_value(json_array_get(list, i));
        const char *gap = i ? " " : "";
        n += (size_t)(value == 0 ? snprintf(text + n, sizeof text - n, "%s-", gap)
                                 : snprintf(text + n, sizeof text - n, "%s%g", gap, value));
    }
    return json_string(text);
}

/* The latencies by all tables, in their order. New reference. */
static json_t *latencies(const struct cli *cli, const json_t *point)
{
    char text[256] = "";
    size_t n = 0;
    const json_t *all = json_at(point, "latencies_ms");
    for (int i = 0; i < cli->argument_count && n < sizeof text; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.3f", i ? " " : "",
                              json_number_value(json_object_get(all, cli->arguments[i])));
    return json_string(text);
}

static json_t *rows_of(const struct cli *cli, const json_t *points)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(points); i++) {
        json_t *row = json_copy(json_array_get(points, i));
        json_object_set_new(row, "top1_percent", json_real(100 * number_at(row, "top1")));
        json_object_set_new(row, "depth", joined(json_at(row, "subnet.depth")));
        json_object_set_new(row, "latencies", latencies(cli, row));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void print_points(const struct cli *cli, const json_t *front)
{
    struct column columns[COST_COUNT + 5] = {{0}};
    int cost = cost_of(front);
    int n = 0;
    columns[n++] = (struct column){costs[cost].heading, costs[cost].field, costs[cost].decimals};
    columns[n++] = (struct column){"TOP-1 %", "top1_percent", 2};
    for (int c = 0; c < COST_COUNT; c++)
        if (c != cost && costs[c].always)
            columns[n++] = (struct column){costs[c].heading, costs[c].field, costs[c].decimals};
    columns[n++] = (struct column){"RESOLUTION", "subnet.resolution", 0};
    columns[n++] = (struct column){"DEPTH", "depth", CELL_TEXT};
    if (cli->argument_count > 1) columns[n] = (struct column){"LATENCIES ms", "latencies", CELL_TEXT};
    json_t *rows = rows_of(cli, json_at(front, "points"));
    print_table(columns, rows);
    json_decref(rows);
}

/* The cell of a value on an axis from `low` to `high`. */
static int cell(double value, double low, double high, int cells)
{
    return high > low ? (int)((value - low) / (high - low) * (cells - 1) + 0.5) : 0;
}

/* Top-1 upward against the cost. */
static void plot(const json_t *front)
{
    char canvas[PLOT_ROWS][PLOT_COLUMNS + 1];
    const json_t *points = json_at(front, "points");
    size_t count = json_array_size(points);
    int c = cost_of(front);
    const json_t *first = json_array_get(points, 0);
    const json_t *last = json_array_get(points, count ? count - 1 : 0);
    double low = number_at(first, costs[c].field);
    double high = number_at(last, costs[c].field);
    double worst = number_at(first, "top1");
    double best = number_at(last, "top1");
    memset(canvas, ' ', sizeof canvas);
    for (size_t i = 0; i < count; i++) {
        const json_t *point = json_array_get(points, i);
        int row = PLOT_ROWS - 1 - cell(number_at(point, "top1"), worst, best, PLOT_ROWS);
        canvas[row][cell(number_at(point, costs[c].field), low, high, PLOT_COLUMNS)] = '*';
    }
    for (int r = 0; r < PLOT_ROWS; r++) {
        canvas[r][PLOT_COLUMNS] = '\0';
        if (r == 0 || r == PLOT_ROWS - 1) printf("%7.2f |%s\n", 100 * (r ? worst : best), canvas[r]);
        else printf("%7s |%s\n", "", canvas[r]);
    }
    printf("TOP-1 %%  %-20.3f%*.3f %s\n\n", low, PLOT_COLUMNS - 20, high, costs[c].heading);
}

static void print_front(const struct cli *cli, const json_t *front)
{
    if (cli_option(cli, "plot")->given) plot(front);
    print_points(cli, front);
    print_unit_note(unit_of(json_at(front, "provenance.fingerprint")));
    printf("%zu points: %s, %.0f evaluations, %.0f ms, seed %.0f\n", json_array_size(json_at(front, "points")),
           shown_at(front, "search.algorithm"), number_at(front, "search.evaluations"),
           number_at(front, "search.elapsed_ms"), number_at(front, "search.seed"));
}

/* ---- for scripts ---- */

static void print_joined(const json_t *list)
{
    json_t *text = joined(list);
    printf(",%s", json_string_value(text));
    json_decref(text);
}

/* Figures in full; lists of choices with blanks between, so that no cell needs quotes. */
static void print_csv(const struct cli *cli, const json_t *front)
{
    const json_t *points = json_at(front, "points");
    bool several = cli->argument_count > 1;
    fputs("top1", stdout);
    for (int c = 0; c < COST_COUNT; c++) printf(",%s", costs[c].field);
    for (int t = 0; several && t < cli->argument_count; t++) printf(",latency_ms %s", cli->arguments[t]);
    puts(",resolution,depth,kernel,expand,width");
    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        printf("%.17g", number_at(point, "top1"));
        for (int c = 0; c < COST_COUNT; c++) printf(",%.17g", number_at(point, costs[c].field));
        for (int t = 0; several && t < cli->argument_count; t++)
            printf(",%.17g", json_number_value(json_object_get(json_at(point, "latencies_ms"), cli->arguments[t])));
        printf(",%.0f", number_at(point, "subnet.resolution"));
        print_joined(json_at(point, "subnet.depth"));
        print_joined(json_at(point, "subnet.kernel"));
        print_joined(json_at(point, "subnet.expand"));
        print_joined(json_at(point, "subnet.width"));
        putchar('\n');
    }
}

/* ---- the verb ---- */

/* "top1,macs" */
static void put_objectives(const struct cli *cli, json_t *body)
{
    const char *text = cli_option(cli, "objectives")->text;
    json_t *list = json_array();
    if (text) json_object_set(body, "objectives", list);
    while (text) {
        size_t n = strcspn(text, ",");
        json_array_append_new(list, json_stringn(text, n));
        text = text[n] ? text + n + 1 : NULL;
    }
    json_decref(list);
}

static enum exit_code run_front(struct cli *cli)
{
    struct answer a;
    bool csv = cli_option(cli, "csv")->given;
    if (csv && cli->json) return cli_misuse(cli->verb, "--csv or --json, not both");
    json_t *body = ask_request(cli);
    if (!body) return EXIT_BAD_USAGE;
    cli_put(cli, body, "points", "points");
    put_objectives(cli, body);
    enum exit_code code = call_json(cli, "POST", "/v1/fronts", body, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else if (csv) print_csv(cli, a.json);
    else print_front(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static const struct option_spec front_options[] = {
    {"points", OPTION_INTEGER, "N", "at most so many (default 50)"},
    {"objectives", OPTION_TEXT, "A,B", "top1 and a cost: latency (default), macs, params, .."},
    {"csv", OPTION_FLAG, NULL, "print the points as CSV, figures in full"},
    {"plot", OPTION_FLAG, NULL, "draw them, too"},
    {0},
};

const struct verb front_verb = {
    .noun = "front",
    .arguments = "DEVICE/CONFIG...",
    .least = 1,
    .most = ASK_TABLES_MOST,
    .options = front_options,
    .shared = ask_options,
    .run = run_front,
    .summary = "Find the subnets that no other beats in both accuracy and cost.",
    .examples = "  lathe front pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --points 20 --plot\n"
                "  lathe front note10/tflite-f32-t1-b1 --space ofa-mbv3-w1.2 --objectives top1,macs --csv > front.csv\n"
                "  lathe front pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --params-m 8 --fix resolution=192 --json\n",
};
