/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

enum { DOCUMENT_BYTES = 1 << 20, FILE_NAME_BYTES = 4096 };

enum exit_code measure(const struct cli *cli, json_t *take_body, json_t **measurement)
{
    struct answer a;
    enum exit_code code = call_json(cli, "POST", "/v1/measurements", take_body, &a);
    if (code) return code;
    json_t *job = json_incref(a.json);
    answer_clear(&a);
    code = wait_for_job(cli, "measurement", &job);
    if (code) json_decref(job);
    else *measurement = job;
    return code;
}

enum exit_code measure_subnet(const struct cli *cli, const char *device, const char *config, const json_t *subnet,
                              json_t **measurement)
{
    return measure(cli, json_pack("{s:s, s:s, s:O}", "device", device, "config", config, "subnet", subnet),
                   measurement);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* What can't be a network's name: a path, or how files of networks are called. */
static bool is_file(const char *text)
{
    return strcmp(text, "-") == 0 || strchr(text, '/') || ends_with(text, ".json") || ends_with(text, ".config");
}

/* Once-for-all keeps the size of images apart from net.config, in a run.config beside it. */
static void add_resolution_beside(const char *file, json_t *body)
{
    char path[FILE_NAME_BYTES];
    const char *slash = strrchr(file, '/');
    int folder = slash ? (int)(slash - file + 1) : 0;
    int n = snprintf(path, sizeof path, "%.*srun.config", folder, file);
    if (n < 0 || (size_t)n >= sizeof path || strcmp(file, "-") == 0) return;
    json_t *run = json_load_file(path, 0, NULL);
    json_t *size = json_object_get(run, "image_size");
    if (json_is_integer(size)) json_object_set(body, "resolution", size);
    json_decref(run);
}

static enum exit_code put_network(const struct cli *cli, json_t *body)
{
    json_t *document;
    const char *network = cli_option(cli, "network")->text;
    cli_put(cli, body, "resolution", "resolution");
    if (!is_file(network)) {
        json_object_set_new(body, "network", json_string(network));
        return EXIT_DONE;
    }
    enum exit_code code = read_json_file(network, DOCUMENT_BYTES, &document);
    if (code) return code;
    json_object_set_new(body, "network", document);
    if (json_object_get(body, "resolution") || json_object_get(document, "resolution")) return EXIT_DONE;
    add_resolution_beside(network, body);
    if (json_object_get(body, "resolution")) return EXIT_DONE;
    fprintf(stderr, "lathe: %s does not say its resolution, and there is no run.config beside it: give --resolution\n",
            network);
    return EXIT_FAILED;
}

static enum exit_code put_subnet(const struct cli *cli, json_t *body)
{
    json_t *document;
    enum exit_code code = read_json_file(cli_option(cli, "subnet")->text, DOCUMENT_BYTES, &document);
    if (code) return code;
    /* An answer of `lathe subnet --json` holds its subnet. */
    const json_t *inner = json_at(document, "subnet");
    json_object_set(body, "subnet", (json_t *)(inner ? inner : document));
    json_decref(document);
    return EXIT_DONE;
}

/* What the options ask for: a subnet, a network, or what the device has. @param[out] body new reference. */
static enum exit_code measure_request(struct cli *cli, json_t **body)
{
    bool network = cli_option(cli, "network")->given;
    bool subnet = cli_option(cli, "subnet")->given;
    if (network && subnet) return cli_misuse(cli->verb, "give either --subnet FILE or --network NAME");
    if (!network && cli_option(cli, "resolution")->given)
        return cli_misuse(cli->verb, "--resolution is for --network: a subnet says its own");
    if ((network || subnet) && !cli_require(cli, "config")) return EXIT_BAD_USAGE;
    if (!network && !subnet && cli_option(cli, "config")->given)
        return cli_misuse(cli->verb,
                          "give --subnet FILE or --network NAME; the model of an mlperf-tiny board has no --config");
    *body = json_pack("{s:s}", "device", cli->arguments[0]);
    cli_put(cli, *body, "config", "config");
    cli_put(cli, *body, "ci", "ci");
    cli_put(cli, *body, "visits", "visits");
    cli_put(cli, *body, "runs", "runs");
    enum exit_code code = network ? put_network(cli, *body) : subnet ? put_subnet(cli, *body) : EXIT_DONE;
    if (code) json_decref(*body);
    return code;
}

static void print_latency(const json_t *measurement)
{
    const json_t *range = json_at(measurement, "latency_ms_range");
    const char *unit = unit_of(json_at(measurement, "fingerprint"));
    const char *model = text_at(measurement, "model");
    if (model) printf("model %s: ", model);
    printf("%.3f %s (95%% interval %.3f to %.3f), least %.3f, p90 %.3f, %.0f runs\n",
           number_at(measurement, "latency_ms"), unit, json_number_value(json_array_get(range, 0)),
           json_number_value(json_array_get(range, 1)), number_at(measurement, "min_ms"),
           number_at(measurement, "p90_ms"), number_at(measurement, "count"));
    print_unit_note(unit);
}

static enum exit_code run_measure(struct cli *cli)
{
    json_t *measurement = NULL;
    json_t *body = NULL;
    enum exit_code code = measure_request(cli, &body);
    if (!code) code = measure(cli, body, &measurement);
    if (code) return code;
    if (cli->json) print_json(measurement);
    else print_latency(measurement);
    double drift = number_at(measurement, "drift");
    if (!cli->json && json_is_number(json_at(measurement, "drift")) && (drift > 1.02 || drift < 0.98))
        printf("as the device is now, %.0f%% %s than when its table was made: %.3f ms\n", 100 * fabs(drift - 1),
               drift > 1 ? "slower" : "faster", number_at(measurement, "raw_ms"));
    json_decref(measurement);
    return EXIT_DONE;
}

static const struct option_spec measure_options[] = {
    {"config", OPTION_TEXT, "CONFIG", "e.g. xnnpack-f32-t1-b1"},
    {"subnet", OPTION_TEXT, "FILE", "a subnet, or an answer of lathe subnet --json; - is standard input"},
    {"network", OPTION_TEXT, "NAME", "instead: one of lathe network list, or a FILE.json: once-for-all's net.config"},
    {"resolution", OPTION_INTEGER, "N", "of that network, where it is another than its own"},
    {"ci", OPTION_FRACTION, "SHARE",
     "from the tenth visit on, stop when half the 95% interval is within this share (default 1%)"},
    {"visits", OPTION_INTEGER, "N", "at most so many visits (default 100); without --ci, just as many"},
    {"runs", OPTION_INTEGER, "N", "timed runs a visit (default 5)"},
    {0},
};

const struct verb measure_verb = {
    .noun = "measure",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .options = measure_options,
    .run = run_measure,
    .summary = "Time a subnet or network end to end on a device; without one, the model that an mlperf-tiny board has.",
    .examples = "  lathe measure pi4 --config xnnpack-f32-t1-b1 --subnet subnet.json\n"
                "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --json |\n"
                "    lathe measure pi4 --config xnnpack-f32-t1-b1 --subnet -\n"
                "  lathe measure pi4 --config xnnpack-f32-t1-b1 --network mobilenetv3-large-1.0\n"
                "  lathe measure pi4 --config xnnpack-f32-t1-b1 --network ./net.config --resolution 224\n"
                "  lathe measure nano33\n",
};
