/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/verbs.h"

/* The request that the options describe. @return NULL after saying what is wrong. */
static json_t *request_of(const struct cli *cli)
{
    static const struct {
        const char *option, *field;
    } fields[] = {{"algorithm", "algorithm"}, {"objective", "objective"}, {"min-top1", "min_top1"}, {"ship", "ship"}};
    json_t *body = ask_request(cli);
    if (!body) return NULL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) cli_put(cli, body, fields[i].field, fields[i].option);
    if (ask_has_limit(body) || json_object_get(body, "objective") || json_object_get(body, "min_top1")) return body;
    cli_misuse(cli->verb, "a limit is missing, for example --latency-ms 25");
    json_decref(body);
    return NULL;
}

/* ---- printing ---- */

static void print_choices(const json_t *subnet, const char *name)
{
    const json_t *list = json_at(subnet, name);
    printf("%-12s", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        double value = json_number_value(json_array_get(list, i));
        if (value == 0) fputs(" -", stdout);
        else printf(" %g", value);
    }
    putchar('\n');
}

/* [{"table","asked_ms","predicted_ms","measured_ms"}], a table each; without what there is not. New reference. */
static json_t *latency_rows(const struct cli *cli, const json_t *answer)
{
    json_t *rows = json_array();
    json_t *asked = json_object();
    cli_put(cli, asked, "ms", "latency-ms");
    const json_t *limits = json_object_get(asked, "ms");
    for (int i = 0; i < cli->argument_count; i++) {
        const char *table = cli->arguments[i];
        json_t *row = json_pack("{s:s}", "table", table);
        const json_t *limit = json_is_array(limits) ? json_array_get(limits, (size_t)i) : limits;
        const json_t *predicted = json_object_get(json_at(answer, "latencies_ms"), table);
        const json_t *measured = json_object_get(json_at(answer, "verified.latencies_ms"), table);
        if (limit) json_object_set(row, "asked_ms", (json_t *)limit);
        json_object_set(row, "predicted_ms", (json_t *)(predicted ? predicted : json_at(answer, "latency_ms")));
        if (!measured) measured = json_at(answer, "verified.latency_ms");
        if (measured) json_object_set(row, "measured_ms", (json_t *)measured);
        json_array_append_new(rows, row);
    }
    json_decref(asked);
    return rows;
}

static void print_latencies(const struct cli *cli, const json_t *answer)
{
    static const struct column columns[] = {{"TABLE", "table", CELL_TEXT},
                                            {"ASKED ms", "asked_ms", 3},
                                            {"PREDICTED ms", "predicted_ms", 3},
                                            {"MEASURED ms", "measured_ms", 3},
                                            {0}};
    const char *unit = unit_of(json_at(answer, "provenance.fingerprint"));
    json_t *rows = latency_rows(cli, answer);
    const json_t *only = json_array_get(rows, 0);
    const json_t *asked = json_at(only, "asked_ms");
    double predicted_ms = number_at(only, "predicted_ms");
    double measured_ms = number_at(only, "measured_ms");
    if (json_array_size(rows) > 1) {
        putchar('\n');
        print_table(columns, rows);
        putchar('\n');
    } else {
        if (asked) printf("asked        %g %s\n", json_number_value(asked), unit);
        printf("predicted    %.3f %s\n", predicted_ms, unit);
        if (json_at(only, "measured_ms"))
            printf("measured     %.3f %s (%+.1f %%)\n", measured_ms, unit, 100 * (measured_ms / predicted_ms - 1));
    }
    print_unit_note(unit);
    json_decref(rows);
}

static void print_answer(const struct cli *cli, const json_t *answer)
{
    const json_t *subnet = json_at(answer, "subnet");
    const struct option_value *least = cli_option(cli, "min-top1");
    if (json_is_number(json_at(answer, "top1")))
        printf("top-1        %.2f %% (predicted)\n", 100 * number_at(answer, "top1"));
    else
        puts("top-1        unknown: the space has no predictor (lathe predictor train); the most MACs within the "
             "limits");
    if (least->given)
        printf("asked        least %s, top-1 at least %.2f %%\n", shown_at(answer, "search.objective"),
               100 * least->number);
    print_latencies(cli, answer);
    printf("MACs         %.1f M\nparameters   %.2f M\n", number_at(answer, "macs_m"), number_at(answer, "params_m"));
    printf("activations  %.0f kB at most\n", number_at(answer, "peak_activation_kb"));
    if (json_at(answer, "explain.limits.sram_kb") || json_at(answer, "explain.limits.flash_kb"))
        printf("board        %.1f kB of SRAM, %.1f kB of flash (int8)\n", number_at(answer, "sram_kb"),
               number_at(answer, "flash_kb"));
    printf("resolution   %.0f\n", number_at(subnet, "resolution"));
    print_choices(subnet, "depth");
    print_choices(subnet, "kernel");
    print_choices(subnet, "expand");
    if (json_at(subnet, "width")) print_choices(subnet, "width");
    printf("search       %s, %.0f evaluations, %.0f ms, seed %.0f\n", shown_at(answer, "search.algorithm"),
           number_at(answer, "search.evaluations"), number_at(answer, "search.elapsed_ms"),
           number_at(answer, "search.seed"));
    if (json_at(answer, "shipped"))
        printf("shipped      %s (%s): nights time it\n", shown_at(answer, "shipped.name"),
               shown_at(answer, "shipped.id"));
    if (cli_option(cli, "explain")->given) print_explanation(answer);
}

/* ---- measuring ---- */

static enum exit_code measure_by(const struct cli *cli, const char *table, const json_t *subnet, json_t **measurement)
{
    char device[80];
    const char *slash = strchr(table, '/');
    if (!slash) return EXIT_FAILED;
    snprintf(device, sizeof device, "%.*s", (int)(slash - table), table);
    return measure_subnet(cli, device, slash + 1, subnet, measurement);
}

/* Measure the answer's subnet on the devices of several tables, and note it in the answer. By one table the server does
 * it, and searches on. */
static enum exit_code verify(const struct cli *cli, json_t *answer)
{
    json_t *latencies = json_object();
    json_t *measurements = json_object();
    enum exit_code code = EXIT_DONE;
    for (int i = 0; i < cli->argument_count && !code; i++) {
        const char *table = cli->arguments[i];
        json_t *measurement = NULL;
        code = measure_by(cli, table, json_at(answer, "subnet"), &measurement);
        if (code) break;
        json_object_set(latencies, table, json_object_get(measurement, "latency_ms"));
        json_object_set(measurements, table, json_object_get(measurement, "id"));
        json_decref(measurement);
    }
    if (json_object_size(latencies))
        json_object_set_new(answer, "verified",
                            json_pack("{s:O, s:O}", "latencies_ms", latencies, "measurements", measurements));
    json_decref(latencies);
    json_decref(measurements);
    return code;
}

static enum exit_code run_subnet(struct cli *cli)
{
    struct answer a;
    json_t *body = request_of(cli);
    if (!body) return EXIT_BAD_USAGE;
    bool verified = cli_option(cli, "verify")->given;
    if (verified && cli->argument_count == 1) json_object_set_new(body, "verify", json_true());
    enum exit_code code = call_json(cli, "POST", "/v1/subnets", body, &a);
    if (code) return code;
    cli->problems_apart = true;
    if (verified && cli->argument_count > 1) code = verify(cli, a.json);
    if (cli->json) print_json(a.json);
    else print_answer(cli, a.json);
    answer_clear(&a);
    return code;
}

static const struct option_spec subnet_options[] = {
    {"objective", OPTION_TEXT, "NAME", "top1 (default), or what is to be least: latency, macs, params, .."},
    {"min-top1", OPTION_FRACTION, "TOP1", "at least this top-1, 0.8 or 80%, of the least"},
    {"algorithm", OPTION_TEXT, "NAME", "auto (default), multistart or evolution"},
    {"verify", OPTION_FLAG, NULL, "measure it on the device, and search on until what was measured fits"},
    {"ship", OPTION_TEXT, "NAME",
     "it will be in use under this name: nights time it, and tell when its limit is missed"},
    {"explain", OPTION_FLAG, NULL, "tell where the time goes, what is left, what more would gain"},
    {0},
};

const struct verb subnet_verb = {
    .noun = "subnet",
    .arguments = "DEVICE/CONFIG...",
    .least = 1,
    .most = ASK_TABLES_MOST,
    .options = subnet_options,
    .shared = ask_options,
    .run = run_subnet,
    .summary = "Find the most accurate subnet within limits, by one table or by several at once.",
    .examples =
        "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --verify\n"
        "  lathe subnet note10/tflite-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --macs-m 300 --json\n"
        "  lathe subnet pi4/xnnpack-f32-t1-b1 note10/tflite-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 60,25\n"
        "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --objective latency --min-top1 80%\n"
        "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --explain \\\n"
        "    --fix resolution=192,kernel=3 --fix depth=2:3:-:-:-\n",
};
