/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Profiles and measurements, and waiting for them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "lut/base/text.h"
#include "server/cli/verbs.h"

enum { POLL_MS = 250, LINE_EVERY_S = 5, BAR_CELLS = 30, SUBNET_BYTES = 1 << 20, RESOLUTIONS_MOST = 64 };

/* ---- progress ---- */

struct progress {
    uint64_t start_ns;
    double first_done; /* visits that were done already when waiting began */
    uint64_t last_line_ns;
    bool terminal;
};

static void print_remaining(const struct progress *p, double done, double total)
{
    double elapsed_s = (double)(clock_now_ns() - p->start_ns) / 1e9;
    double here = done - p->first_done;
    printf("  %.0f s", elapsed_s);
    if (here > 0 && done < total) printf(", %.0f s left", elapsed_s * (total - done) / here);
}

static void show(struct progress *p, const json_t *job)
{
    double done = number_at(job, "visits_done");
    double total = number_at(job, "visits_total");
    uint64_t now = clock_now_ns();
    bool rows = json_at(job, "rows_total") != NULL;
    if (!p->terminal && p->last_line_ns && now - p->last_line_ns < LINE_EVERY_S * 1000000000ull && done < total) return;
    p->last_line_ns = now;
    if (p->terminal) {
        int cells = total > 0 ? (int)(BAR_CELLS * done / total) : 0;
        printf("\r[");
        for (int i = 0; i < BAR_CELLS; i++) putchar(i < cells ? '#' : '.');
        printf("]");
    }
    if (rows) printf(" %.0f of %.0f rows,", number_at(job, "rows_done"), number_at(job, "rows_total"));
    printf(" %.0f of %.0f visits", done, total);
    print_remaining(p, done, total);
    printf(p->terminal ? "\033[K" : "\n");
    fflush(stdout);
}

static bool has_ended(const json_t *job)
{
    const char *state = text_at(job, "state");
    return !state || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0);
}

static enum exit_code refresh(const struct cli *cli, const char *kind, json_t **job)
{
    char path[160];
    struct answer a;
    snprintf(path, sizeof path, "/v1/%ss/%s", kind, text_at(*job, "id"));
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    json_decref(*job);
    *job = json_incref(a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static void pause_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* Nobody works on a job whose device has no agent: say so once, and go on waiting. */
static void warn_offline(const struct cli *cli, const json_t *job)
{
    char path[160];
    struct answer a;
    snprintf(path, sizeof path, "/v1/devices/%s", text_at(job, "device"));
    if (call_json(cli, "GET", path, NULL, &a)) return;
    const char *state = text_at(a.json, "state");
    if (state && strcmp(state, "offline") == 0)
        fprintf(stderr, "lathe: no agent serves device %s at the moment: start lathe-agent; waiting\n",
                text_at(job, "device"));
    answer_clear(&a);
}

enum exit_code wait_for_job(const struct cli *cli, const char *kind, json_t **job)
{
    struct progress p = {
        .start_ns = clock_now_ns(), .first_done = number_at(*job, "visits_done"), .terminal = isatty(STDOUT_FILENO)};
    bool shown = !cli->json && strcmp(kind, "profile") == 0;
    bool warned = false;
    while (!has_ended(*job)) {
        if (shown) show(&p, *job);
        pause_ms(POLL_MS);
        enum exit_code code = refresh(cli, kind, job);
        if (code) return code;
        if (!warned && strcmp(text_at(*job, "state"), "queued") == 0 && clock_now_ns() - p.start_ns > 3000000000ull) {
            warn_offline(cli, *job);
            warned = true;
        }
    }
    if (shown) show(&p, *job);
    if (shown && p.terminal) putchar('\n');
    const char *state = text_at(*job, "state");
    if (state && strcmp(state, "done") == 0) return EXIT_DONE;
    const char *error = text_at(*job, "error");
    fprintf(stderr, "lathe: %s %s %s%s%s\n", kind, text_at(*job, "id"), state ? state : "is gone", error ? ": " : "",
            error ? error : "");
    return EXIT_FAILED;
}

/* ---- profile ---- */

/* "160,224" to an array. */
json_t *read_resolutions(const struct verb *verb, const char *text)
{
    json_t *list = json_array();
    while (list && *text) {
        uint64_t value;
        size_t n = strcspn(text, ",");
        if (!text_to_u64(text, n, &value) || value > 65535 || json_array_size(list) == RESOLUTIONS_MOST) {
            cli_misuse(verb, "--resolutions needs whole numbers with commas between, e.g. 160,224");
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, json_integer((json_int_t)value));
        text += n + (text[n] == ',');
    }
    return list;
}

static void print_profile(const struct cli *cli, const json_t *job)
{
    if (cli->json) {
        print_json(job);
        return;
    }
    const char *state = text_at(job, "state");
    if (number_at(job, "visits_total") == 0 && strcmp(state, "done") == 0)
        printf("profile %s: the table has all of its rows already\n", text_at(job, "id"));
    else
        printf("profile %s: %s, %.0f rows of %s/%s\n", text_at(job, "id"), state, number_at(job, "rows_total"),
               text_at(job, "device"), text_at(job, "config"));
}

static enum exit_code run_profile(struct cli *cli)
{
    struct answer a;
    json_t *body = json_object();
    json_object_set_new(body, "device", json_string(cli->arguments[0]));
    static const char *const texts[] = {"config", "space"};
    static const char *const numbers[] = {"rounds", "runs", "warmup", "seed"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct option_value *v = cli_option(cli, texts[i]);
        if (!v->given) {
            json_decref(body);
            return cli_misuse(cli->verb, "--%s is missing", texts[i]);
        }
        json_object_set_new(body, texts[i], json_string(v->text));
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (cli_option(cli, numbers[i])->given)
            json_object_set_new(body, numbers[i], json_integer(cli_option(cli, numbers[i])->integer));
    if (cli_option(cli, "resolutions")->given) {
        json_t *list = read_resolutions(cli->verb, cli_option(cli, "resolutions")->text);
        if (!list) {
            json_decref(body);
            return EXIT_BAD_USAGE;
        }
        json_object_set_new(body, "resolutions", list);
    }
    enum exit_code code = call_json(cli, "POST", "/v1/profiles", body, &a);
    if (code) return code;
    json_t *job = json_incref(a.json);
    answer_clear(&a);
    if (cli_option(cli, "wait")->given) code = wait_for_job(cli, "profile", &job);
    print_profile(cli, job);
    json_decref(job);
    return code;
}

static const struct option_spec profile_options[] = {
    {"config", OPTION_TEXT, "CONFIG", "RUNTIME-DTYPE-tTHREADS-bBATCH, e.g. xnnpack-f32-t1-b1"},
    {"space", OPTION_TEXT, "SPACE", "e.g. ofa-mbv3-w1.2"},
    {"resolutions", OPTION_TEXT, "R,..", "default: all of the space"},
    {"rounds", OPTION_INTEGER, "N", "visits to each network (default 8)"},
    {"runs", OPTION_INTEGER, "N", "timed runs a visit (default 3)"},
    {"warmup", OPTION_INTEGER, "N", "untimed runs a visit (default 2)"},
    {"seed", OPTION_INTEGER, "N", "of the plan (default 0)"},
    {"wait", OPTION_FLAG, NULL, "wait until it has ended, showing how far it is"},
    {0},
};

const struct verb profile_verb = {
    .noun = "profile",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .options = profile_options,
    .run = run_profile,
    .summary = "Measure what a device's table lacks of a space. Rows that it has take no device time.",
    .examples = "  lathe profile pi4 --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --wait\n"
                "  lathe profile pi4 --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --resolutions 160,224\n",
};

static const struct column profile_columns[] = {
    {"PROFILE", "id", -1, 0},
    {"STATE", "state", -1, 0},
    {"DEVICE", "device", -1, 0},
    {"CONFIG", "config", -1, 0},
    {"SPACE", "space", -1, 0},
    {"ROWS", "rows_done", 0, 0},
    {"OF", "rows_total", 0, 0},
    {"VISITS", "visits_done", 0, 0},
    {"OF", "visits_total", 0, 0},
    {"CREATED", "created", -1, 0},
    {0},
};

static enum exit_code run_profile_list(struct cli *cli)
{
    json_t *items;
    enum exit_code code = call_list(cli, "/v1/profiles", &items);
    return code ? code
                : print_list(cli, profile_columns, items, "No profiles yet: lathe profile DEVICE --config C --space S");
}

static enum exit_code show_job(struct cli *cli, const char *method, const char *kind)
{
    char id[256];
    char path[320];
    struct answer a;
    url_encode(cli->arguments[0], id, sizeof id);
    snprintf(path, sizeof path, "/v1/%ss/%s", kind, id);
    enum exit_code code = call_json(cli, method, path, NULL, &a);
    if (code) return code;
    print_thing(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_profile_show(struct cli *cli)
{
    return show_job(cli, "GET", "profile");
}

static enum exit_code run_profile_cancel(struct cli *cli)
{
    return show_job(cli, "DELETE", "profile");
}

const struct verb profile_verbs[] = {
    {.noun = "profile",
     .name = "list",
     .arguments = "",
     .summary = "List profiles, oldest first.",
     .examples = "  lathe profile list\n",
     .run = run_profile_list},
    {.noun = "profile",
     .name = "show",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .summary = "Show one profile.",
     .examples = "  lathe profile show p-1m86f7phts98eaqx\n",
     .run = run_profile_show},
    {.noun = "profile",
     .name = "cancel",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .summary = "Cancel a profile. What it measured stays in the table.",
     .examples = "  lathe profile cancel p-1m86f7phts98eaqx\n",
     .run = run_profile_cancel},
    {0},
};

/* ---- measure ---- */

enum exit_code measure_subnet(const struct cli *cli, const char *device, const char *config, const json_t *subnet,
                              json_t **measurement)
{
    struct answer a;
    json_t *body = json_pack("{s:s, s:s, s:O}", "device", device, "config", config, "subnet", subnet);
    enum exit_code code = call_json(cli, "POST", "/v1/measurements", body, &a);
    if (code) return code;
    *measurement = json_incref(a.json);
    answer_clear(&a);
    code = wait_for_job(cli, "measurement", measurement);
    if (!code) return EXIT_DONE;
    json_decref(*measurement);
    *measurement = NULL;
    return code;
}

static enum exit_code run_measure(struct cli *cli)
{
    const struct option_value *config = cli_option(cli, "config");
    const struct option_value *file = cli_option(cli, "subnet");
    struct lathe_error err = {0};
    char *text;
    size_t size;
    json_t *measurement;
    if (!config->given || !file->given)
        return cli_misuse(cli->verb, "--%s is missing", config->given ? "subnet" : "config");
    if (file_read(file->text, SUBNET_BYTES, &text, &size, &err)) return complain(&err);
    json_error_t where;
    json_t *document = json_loadb(text, size, 0, &where);
    free(text);
    if (!document) {
        fprintf(stderr, "lathe: %s is not JSON: %s (line %d)\n", file->text, where.text, where.line);
        return EXIT_FAILED;
    }
    /* An answer of `lathe subnet --json` holds its subnet. */
    const json_t *inner = json_at(document, "subnet");
    enum exit_code code = measure_subnet(cli, cli->arguments[0], config->text, inner ? inner : document, &measurement);
    json_decref(document);
    if (code) return code;
    if (cli->json) print_json(measurement);
    else
        printf("%.3f ms (95%% interval %.3f to %.3f), least %.3f, p90 %.3f, %.0f runs\n",
               number_at(measurement, "latency_ms"),
               json_number_value(json_array_get(json_at(measurement, "latency_ms_range"), 0)),
               json_number_value(json_array_get(json_at(measurement, "latency_ms_range"), 1)),
               number_at(measurement, "min_ms"), number_at(measurement, "p90_ms"), number_at(measurement, "count"));
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
