/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/verbs.h"

static const struct {
    const char *option, *field;
} limits[] = {
    {"latency-ms", "latency_ms"}, {"macs-m", "macs_m"},
    {"params-m", "params_m"},     {"peak-activation-kb", "peak_activation_kb"},
    {"weights-kb", "weights_kb"},
};

/* The request that the options describe. @return NULL after saying what is wrong. */
static json_t *request_of(struct cli *cli)
{
    static const char *const fields[] = {"space", "predictor", "algorithm", "seed", "resolutions"};
    if (!cli_require(cli, "space")) return NULL;
    json_t *constraints = json_object();
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        cli_put(cli, constraints, limits[i].field, limits[i].option);
    if (json_object_size(constraints) == 0) {
        cli_misuse(cli->verb, "a limit is missing, for example --latency-ms 25");
        json_decref(constraints);
        return NULL;
    }
    json_t *body = json_pack("{s:s, s:o}", "table", cli->arguments[0], "constraints", constraints);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) cli_put(cli, body, fields[i], fields[i]);
    return body;
}

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

/* @param asked NULL: no limit on latency. @param measurement NULL: none. */
static void print_answer(const json_t *answer, const char *asked, const json_t *measurement)
{
    const json_t *subnet = json_at(answer, "subnet");
    double predicted_ms = number_at(answer, "latency_ms");
    double measured_ms = number_at(measurement, "latency_ms");
    printf("top-1        %.2f %% (predicted)\n", 100 * number_at(answer, "top1"));
    if (asked) printf("asked        %s ms\n", asked);
    printf("predicted    %.3f ms\n", predicted_ms);
    if (measurement) printf("measured     %.3f ms (%+.1f %%)\n", measured_ms, 100 * (measured_ms / predicted_ms - 1));
    printf("MACs         %.1f M\nparameters   %.2f M\n", number_at(answer, "macs_m"), number_at(answer, "params_m"));
    printf("activations  %.0f kB at most\n", number_at(answer, "peak_activation_kb"));
    printf("resolution   %.0f\n", number_at(subnet, "resolution"));
    print_choices(subnet, "depth");
    print_choices(subnet, "kernel");
    print_choices(subnet, "expand");
    printf("search       %s, %.0f evaluations, %.0f ms, seed %.0f\n", shown_at(answer, "search.algorithm"),
           number_at(answer, "search.evaluations"), number_at(answer, "search.elapsed_ms"),
           number_at(answer, "search.seed"));
}

/* Measure the answer's subnet on the table's device, and note it in the answer. */
static enum exit_code verify(struct cli *cli, json_t *answer, json_t **measurement)
{
    char device[80];
    const char *slash = strchr(cli->arguments[0], '/');
    if (!slash) return EXIT_FAILED;
    snprintf(device, sizeof device, "%.*s", (int)(slash - cli->arguments[0]), cli->arguments[0]);
    enum exit_code code = measure_subnet(cli, device, slash + 1, json_at(answer, "subnet"), measurement);
    if (!code)
        json_object_set_new(answer, "verified",
                            json_pack("{s:O, s:O}", "latency_ms", json_object_get(*measurement, "latency_ms"),
                                      "measurement", json_object_get(*measurement, "id")));
    return code;
}

static enum exit_code run_subnet(struct cli *cli)
{
    struct answer a;
    json_t *measurement = NULL;
    json_t *body = request_of(cli);
    if (!body) return EXIT_BAD_USAGE;
    enum exit_code code = call_json(cli, "POST", "/v1/subnets", body, &a);
    if (code) return code;
    cli->problems_apart = true;
    if (cli_option(cli, "verify")->given) code = verify(cli, a.json, &measurement);
    if (cli->json) print_json(a.json);
    else print_answer(a.json, cli_option(cli, "latency-ms")->text, measurement);
    json_decref(measurement);
    answer_clear(&a);
    return code;
}

static const struct option_spec subnet_options[] = {
    {"space", OPTION_TEXT, "SPACE", "e.g. ofa-mbv3-w1.2"},
    {"latency-ms", OPTION_NUMBER, "MS", "at most this latency, by the table"},
    {"macs-m", OPTION_NUMBER, "M", "at most so many million MACs"},
    {"params-m", OPTION_NUMBER, "M", "at most so many million parameters"},
    {"peak-activation-kb", OPTION_NUMBER, "KB", "at most so much activation memory (f32)"},
    {"weights-kb", OPTION_NUMBER, "KB", "at most so much for weights (f32)"},
    {"predictor", OPTION_TEXT, "ID", "default: the one that ships for the space"},
    {"algorithm", OPTION_TEXT, "NAME", "auto (default) or evolution"},
    {"resolutions", OPTION_INTEGERS, "R,..", "only these"},
    {"seed", OPTION_INTEGER, "N", "same seed, same answer (default 0)"},
    {"verify", OPTION_FLAG, NULL, "measure the subnet on the device, too"},
    {0},
};

const struct verb subnet_verb = {
    .noun = "subnet",
    .arguments = "DEVICE/CONFIG",
    .least = 1,
    .most = 1,
    .options = subnet_options,
    .run = run_subnet,
    .summary = "Find the most accurate subnet within limits, by a table.",
    .examples = "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --verify\n"
                "  lathe subnet note10/tflite-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --macs-m 300 --json\n",
};
