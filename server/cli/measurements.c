/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>

#include "server/cli/verbs.h"

enum { SUBNET_BYTES = 1 << 20 };

enum exit_code measure_subnet(const struct cli *cli, const char *device, const char *config, const json_t *subnet,
                              json_t **measurement)
{
    struct answer a;
    json_t *body = json_pack("{s:s, s:s, s:O}", "device", device, "config", config, "subnet", subnet);
    enum exit_code code = call_json(cli, "POST", "/v1/measurements", body, &a);
    if (code) return code;
    json_t *job = json_incref(a.json);
    answer_clear(&a);
    code = wait_for_job(cli, "measurement", &job);
    if (code) json_decref(job);
    else *measurement = job;
    return code;
}

static enum exit_code run_measure(struct cli *cli)
{
    json_t *document;
    json_t *measurement;
    if (!cli_require(cli, "config") || !cli_require(cli, "subnet")) return EXIT_BAD_USAGE;
    enum exit_code code = read_json_file(cli_option(cli, "subnet")->text, SUBNET_BYTES, &document);
    if (code) return code;
    /* An answer of `lathe subnet --json` holds its subnet. */
    const json_t *inner = json_at(document, "subnet");
    code =
        measure_subnet(cli, cli->arguments[0], cli_option(cli, "config")->text, inner ? inner : document, &measurement);
    json_decref(document);
    if (code) return code;
    const json_t *range = json_at(measurement, "latency_ms_range");
    if (cli->json) print_json(measurement);
    else
        printf("%.3f ms (95%% interval %.3f to %.3f), least %.3f, p90 %.3f, %.0f runs\n",
               number_at(measurement, "latency_ms"), json_number_value(json_array_get(range, 0)),
               json_number_value(json_array_get(range, 1)), number_at(measurement, "min_ms"),
               number_at(measurement, "p90_ms"), number_at(measurement, "count"));
    json_decref(measurement);
    return EXIT_DONE;
}

static const struct option_spec measure_options[] = {
    {"config", OPTION_TEXT, "CONFIG", "e.g. xnnpack-f32-t1-b1"},
    {"subnet", OPTION_TEXT, "FILE", "a subnet, or an answer of lathe subnet --json; - is standard input"},
    {0},
};

const struct verb measure_verb = {
    .noun = "measure",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .options = measure_options,
    .run = run_measure,
    .summary = "Time a subnet end to end on a device.",
    .examples = "  lathe measure pi4 --config xnnpack-f32-t1-b1 --subnet subnet.json\n"
                "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --json |\n"
                "    lathe measure pi4 --config xnnpack-f32-t1-b1 --subnet -\n",
};
