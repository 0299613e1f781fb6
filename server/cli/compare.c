/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Published networks, once-for-all's and others, measured on one device.
 *
 * Every network is measured once a round, and rounds are shuffled, so that a device that slows down favours none. A
 * round's measurements are all ordered before the first is waited for: the device never waits for this program. */
#include "server/cli/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "lut/base/rng.h"
#include "server/cli/comparison.h"
#include "server/cli/verbs.h"

enum { ROUNDS_DEFAULT = 5, ROUNDS_MOST = 20, VISITS_DEFAULT = 2, VISITS_MOST = 1000, NETWORKS_MOST = 1000 };

struct comparison {
    const struct cli *cli;
    const char *device, *config;
    int rounds, visits;
    json_t *networks;    /* as GET /v1/networks has them; "jobs": their measurements that are done */
    json_t *fingerprint; /* of the first measurement of this run; NULL: none yet */
    bool mixed;          /* another one came later */
    uint64_t start_ns;
    struct rng rng;
};

static json_t *network_at(const struct comparison *c, uint32_t i)
{
    return json_array_get(c->networks, i);
}

static json_t *jobs_of(const json_t *network)
{
    return json_object_get(network, "jobs");
}

/* ---- choosing ---- */

/* Whether a list "a,b" has a text. */
static bool lists(const char *list, const char *text)
{
    size_t n = strlen(text);
    while (list && *list) {
        size_t part = strcspn(list, ",");
        if (part == n && memcmp(list, text, n) == 0) return true;
        list += part + (list[part] == ',');
    }
    return false;
}

/* The first part of a list that is neither a network's name nor a family; NULL: there is none. */
static const char *unknown_part(const char *list, const json_t *all, char out[80])
{
    while (*list) {
        size_t n = strcspn(list, ",");
        bool known = false;
        snprintf(out, 80, "%.*s", (int)n, list);
        for (size_t i = 0; !known && i < json_array_size(all); i++) {
            const json_t *network = json_array_get(all, i);
            known = strcmp(out, shown_at(network, "name")) == 0 || strcmp(out, shown_at(network, "family")) == 0;
        }
        if (!known) return out;
        list += n + (list[n] == ',');
    }
    return NULL;
}

/* Networks for microcontrollers stand beside none for phones, unless they are named: by default those are compared that
 * were published for what the config runs on. */
static bool suits_config(const struct comparison *c, const json_t *network)
{
    bool for_board = json_is_number(json_at(json_at(network, "published"), "sram_kb"));
    return for_board == (strncmp(c->config, "firmware-", strlen("firmware-")) == 0);
}

static enum exit_code choose_networks(struct comparison *c)
{
    char part[80];
    json_t *all;
    const char *list = cli_option(c->cli, "networks")->text;
    enum exit_code code = call_list(c->cli, "/v1/networks", &all);
    if (code) return code;
    const char *unknown = list ? unknown_part(list, all, part) : NULL;
    c->networks = json_array();
    for (size_t i = 0; !unknown && i < json_array_size(all) && i < NETWORKS_MOST; i++) {
        json_t *network = json_array_get(all, i);
        if (list && !lists(list, shown_at(network, "name")) && !lists(list, shown_at(network, "family"))) continue;
        if (!list && !suits_config(c, network)) continue;
        json_object_set_new(network, "jobs", json_array());
        json_array_append(c->networks, network);
    }
    json_decref(all);
    if (unknown) fprintf(stderr, "lathe: %s is neither a network nor a family: lathe network list\n", unknown);
    else if (!json_array_size(c->networks)) fputs("lathe: --networks names none\n", stderr);
    return unknown || !json_array_size(c->networks) ? EXIT_ABSENT : EXIT_DONE;
}

/* ---- measuring ---- */

static void show_progress(const struct comparison *c, int round, size_t done, size_t count)
{
    bool terminal = terminal_width(stderr) > 0;
    if (c->cli->json && !terminal) return;
    if (!terminal && done < count) return;
    fprintf(stderr, "%sround %d of %d: %zu of %zu networks, %.0f s%s", terminal ? "\r" : "", round + 1, c->rounds, done,
            count, (double)(clock_now_ns() - c->start_ns) / 1e9, terminal ? "\033[K" : "\n");
    if (terminal && done == count) fputc('\n', stderr);
    fflush(stderr);
}

static enum exit_code order(const struct comparison *c, const json_t *network, json_t **job)
{
    struct answer a;
    json_t *body = json_pack("{s:s,s:s,s:O,s:i}", "device", c->device, "config", c->config, "network",
                             json_object_get(network, "name"), "visits", c->visits);
    enum exit_code code = call_json(c->cli, "POST", "/v1/measurements", body, &a);
    if (code) return code;
    *job = json_incref(a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

/* Wait for a measurement and keep it. One that failed is the network's error, and no reason to stop. */
static enum exit_code await(struct comparison *c, json_t *network, json_t **job)
{
    enum exit_code code = wait_for_job(c->cli, "measurement", job);
    const char *state = shown_at(*job, "state");
    if (code && strcmp(state, "failed") != 0) return code;
    if (code) {
        json_object_set_new(network, "error", json_string(shown_at(*job, "error")));
        return EXIT_DONE;
    }
    json_t *fingerprint = json_object_get(*job, "fingerprint");
    if (!c->fingerprint) c->fingerprint = json_incref(fingerprint);
    c->mixed |= !json_is_object(fingerprint) || !json_equal(fingerprint, c->fingerprint);
    json_array_append(jobs_of(network), *job);
    return EXIT_DONE;
}

/* Order a measurement of each of the networks, then wait for all. */
static enum exit_code measure_all(struct comparison *c, int round, const uint32_t *which, size_t count)
{
    json_t **jobs = calloc(count + 1, sizeof(json_t *));
    enum exit_code code = jobs ? EXIT_DONE : EXIT_FAILED;
    size_t ordered = 0;
    for (; !code && ordered < count; ordered++) {
        code = order(c, network_at(c, which[ordered]), &jobs[ordered]);
        if (code) break;
    }
    for (size_t i = 0; !code && i < count; i++) {
        show_progress(c, round, i, count);
        code = await(c, network_at(c, which[i]), &jobs[i]);
    }
    if (!code) show_progress(c, round, count, count);
    for (size_t i = 0; i < ordered; i++) json_decref(jobs[i]);
    free(jobs);
    return code;
}

/* Those that lack a measurement in this round, shuffled. */
static size_t pick_missing(struct comparison *c, int round, uint32_t *which)
{
    size_t n = 0;
    for (uint32_t i = 0; i < json_array_size(c->networks); i++) {
        const json_t *network = network_at(c, i);
        if (!json_at(network, "error") && json_array_size(jobs_of(network)) <= (size_t)round) which[n++] = i;
    }
    rng_shuffle(&c->rng, which, n);
    return n;
}

static enum exit_code measure_rounds(struct comparison *c)
{
    static uint32_t which[NETWORKS_MOST];
    enum exit_code code = EXIT_DONE;
    for (int round = 0; !code && round < c->rounds; round++) {
        size_t n = pick_missing(c, round, which);
        if (n) code = measure_all(c, round, which, n);
    }
    return code;
}

/* ---- measurements of before ---- */

static bool is_of(const struct comparison *c, const json_t *job, const json_t *network)
{
    return strcmp(shown_at(job, "state"), "done") == 0 && strcmp(shown_at(job, "device"), c->device) == 0 &&
           strcmp(shown_at(job, "config"), c->config) == 0 &&
           strcmp(shown_at(job, "network.id"), shown_at(network, "id")) == 0 &&
           json_equal(json_object_get(job, "fingerprint"), c->fingerprint);
}

static bool has_job(const json_t *network, const json_t *job)
{
    for (size_t i = 0; i < json_array_size(jobs_of(network)); i++)
        if (strcmp(shown_at(json_array_get(jobs_of(network), i), "id"), shown_at(job, "id")) == 0) return true;
    return false;
}

/* What the device is now says a new measurement, of the network that there are fewest of: there may be none. Those that
 * were made under the same fingerprint count, the latest ones first. */
static enum exit_code reuse(struct comparison *c)
{
    uint32_t probe = rng_below(&c->rng, (uint32_t)json_array_size(c->networks));
    json_t *all;
    enum exit_code code = measure_all(c, 0, &probe, 1);
    if (code) return code;
    code = call_list(c->cli, "/v1/measurements", &all);
    if (code) return code;
    for (size_t j = json_array_size(all); j-- > 0;) {
        json_t *job = json_array_get(all, j);
        for (uint32_t i = 0; i < json_array_size(c->networks); i++) {
            json_t *network = network_at(c, i);
            if (json_array_size(jobs_of(network)) < (size_t)c->rounds && is_of(c, job, network) &&
                !has_job(network, job))
                json_array_append(jobs_of(network), job);
        }
    }
    json_decref(all);
    return EXIT_DONE;
}

/* ---- the report ---- */

static json_t *range_of(const json_t *jobs, double mean, double half)
{
    if (isfinite(half)) return json_pack("[f,f]", fmax(mean - half, 0), mean + half);
    const json_t *own = json_at(json_array_get(jobs, 0), "latency_ms_range");
    return own ? json_incref((json_t *)own) : json_null();
}

static json_t *entry_of(const json_t *network)
{
    static const char *const kept[] = {"name",     "title",  "family",     "top1",  "macs_m",
                                       "params_m", "source", "resolution", "notes", "id"};
    double latencies[ROUNDS_MOST + 1];
    double half = NAN;
    const json_t *jobs = jobs_of(network);
    json_t *ids = json_array();
    json_t *entry = json_object();
    size_t n = json_array_size(jobs);
    for (size_t i = 0; i < n; i++) {
        latencies[i] = number_at(json_array_get(jobs, i), "latency_ms");
        json_array_append(ids, json_object_get(json_array_get(jobs, i), "id"));
    }
    double mean = comparison_mean(latencies, n, &half);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        json_object_set(entry, kept[i], json_object_get(network, kept[i]));
    json_object_set_new(entry, "latency_ms", json_real(mean));
    json_object_set_new(entry, "latency_ms_range", range_of(jobs, mean, half));
    json_object_set_new(entry, "measurements", ids);
    return entry;
}

/* Before the first one that is slower. */
static void insert_by_latency(json_t *list, json_t *entry)
{
    size_t at = 0;
    while (at < json_array_size(list) &&
           number_at(json_array_get(list, at), "latency_ms") <= number_at(entry, "latency_ms"))
        at++;
    json_array_insert_new(list, at, entry);
}

static json_t *report_of(const struct comparison *c)
{
    json_t *networks = json_array();
    json_t *failed = json_array();
    for (uint32_t i = 0; i < json_array_size(c->networks); i++) {
        const json_t *network = network_at(c, i);
        if (json_array_size(jobs_of(network)) && !json_at(network, "error"))
            insert_by_latency(networks, entry_of(network));
        else
            json_array_append_new(failed, json_pack("{s:O,s:s}", "name", json_object_get(network, "name"), "error",
                                                    shown_at(network, "error")));
    }
    json_t *report = json_pack("{s:s,s:s,s:i,s:i,s:O?,s:b,s:o,s:o}", "device", c->device, "config", c->config, "rounds",
                               c->rounds, "visits", c->visits, "fingerprint", c->fingerprint, "fingerprint_changed",
                               c->mixed, "networks", networks, "failed", failed);
    comparison_add_speedups(report);
    return report;
}

static enum exit_code write_plot(const char *file, const json_t *report)
{
    struct lathe_error err = {0};
    char *svg = compare_plot(report);
    if (!svg) return EXIT_FAILED;
    enum lathe_status st = file_write(file, svg, strlen(svg), 0644, &err);
    free(svg);
    return st ? complain(&err) : EXIT_DONE;
}

static enum exit_code tell(const struct comparison *c)
{
    const char *file = cli_option(c->cli, "svg")->text;
    json_t *report = report_of(c);
    enum exit_code code = EXIT_DONE;
    if (!json_array_size(json_at(report, "networks"))) {
        fputs("lathe: no network could be measured\n", stderr);
        code = EXIT_FAILED;
    }
    if (c->cli->json) print_json(report);
    else if (!code) compare_print(report, cli_option(c->cli, "markdown")->given);
    if (c->mixed) fputs("lathe: the device's fingerprint changed meanwhile: measure again\n", stderr);
    if (!code && file) code = write_plot(file, report);
    json_decref(report);
    return code;
}

/* ---- the verb ---- */

static bool read_number(const struct cli *cli, const char *name, int fallback, int most, int *out)
{
    const struct option_value *value = cli_option(cli, name);
    *out = value->given ? (int)value->integer : fallback;
    if (!value->given || (value->integer >= 1 && value->integer <= most)) return true;
    cli_misuse(cli->verb, "--%s must be from 1 to %d", name, most);
    return false;
}

static enum exit_code run_compare(struct cli *cli)
{
    const char *config = cli_option(cli, "config")->text;
    struct comparison c = {.cli = cli,
                           .device = cli->arguments[0],
                           .config = config ? config : "xnnpack-f32-t1-b1",
                           .start_ns = clock_now_ns()};
    if (cli->json && cli_option(cli, "markdown")->given) return cli_misuse(cli->verb, "--markdown or --json, not both");
    if (!read_number(cli, "rounds", ROUNDS_DEFAULT, ROUNDS_MOST, &c.rounds) ||
        !read_number(cli, "visits", VISITS_DEFAULT, VISITS_MOST, &c.visits))
        return EXIT_BAD_USAGE;
    rng_seed(&c.rng, (uint64_t)clock_wall_ms());
    enum exit_code code = choose_networks(&c);
    if (!code && cli_option(cli, "reuse")->given) code = reuse(&c);
    if (!code) code = measure_rounds(&c);
    if (!code) code = tell(&c);
    else if (c.fingerprint) fputs("lathe: what was measured is kept: go on with --reuse\n", stderr);
    json_decref(c.networks);
    json_decref(c.fingerprint);
    return code;
}

static const struct option_spec compare_options[] = {
    {"config", OPTION_TEXT, "CONFIG", "default: xnnpack-f32-t1-b1"},
    {"networks", OPTION_TEXT, "A,B",
     "names or families of lathe network list (default: all for what the config runs on)"},
    {"rounds", OPTION_INTEGER, "N", "measurements of each, in shuffled rounds (default 5)"},
    {"visits", OPTION_INTEGER, "N", "times that a measurement sets the network up and runs it (default 2)"},
    {"reuse", OPTION_FLAG, NULL, "count measurements of before, where the device has not changed"},
    {"svg", OPTION_TEXT, "FILE", "plot top-1 against latency"},
    {"markdown", OPTION_FLAG, NULL, "print Markdown"},
    {0},
};

const struct verb compare_verb = {
    .noun = "compare",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .options = compare_options,
    .run = run_compare,
    .summary = "Measure published networks on a device, once-for-all's beside others.",
    .examples = "  lathe compare pi4 --svg pi4.svg\n"
                "  lathe compare pi4 --config xnnpack-f32-t1-b1 --networks MobileNetV3,once-for-all --markdown\n"
                "  lathe compare pi4 --rounds 10 --reuse --json > pi4.json\n",
};
