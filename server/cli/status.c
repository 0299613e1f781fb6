/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

/* How many items a list has; with a state, how many of them are in it. */
static enum exit_code count(const struct cli *cli, const char *path, const char *state, json_int_t *out)
{
    json_t *items;
    enum exit_code code = call_list(cli, path, &items);
    if (code) return code;
    *out = 0;
    for (size_t i = 0; i < json_array_size(items); i++)
        *out += !state || strcmp(shown_at(json_array_get(items, i), "state"), state) == 0;
    json_decref(items);
    return EXIT_DONE;
}

/* How full the data folder is: as the server answers for documents, as a line for people. */
static enum exit_code add_storage(const struct cli *cli, json_t *status)
{
    struct answer a;
    char line[160];
    enum exit_code code = call_json(cli, "GET", "/v1/storage", NULL, &a);
    if (code) return code;
    snprintf(line, sizeof line, "%.1f MB of %.0f MB, %.1f MB of it raw samples", number_at(a.json, "used_bytes") / 1e6,
             number_at(a.json, "limit_bytes") / 1e6, number_at(a.json, "samples_bytes") / 1e6);
    json_object_set_new(status, "storage", cli->json ? json_incref(a.json) : json_string(line));
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_status(struct cli *cli)
{
    static const struct {
        const char *name, *path, *state;
    } counts[] = {
        {"devices", "/v1/devices", NULL},
        {"devices_offline", "/v1/devices", "offline"},
        {"tables", "/v1/tables", NULL},
        {"profiles_running", "/v1/profiles", "running"},
        {"profiles_queued", "/v1/profiles", "queued"},
    };
    struct answer a;
    enum exit_code code = call_json(cli, "GET", "/healthz", NULL, &a);
    if (code) return code;
    for (size_t i = 0; !code && i < sizeof counts / sizeof counts[0]; i++) {
        json_int_t n = 0;
        code = count(cli, counts[i].path, counts[i].state, &n);
        json_object_set_new(a.json, counts[i].name, json_integer(n));
    }
    if (!code) code = add_storage(cli, a.json);
    if (!code) print_thing(cli, a.json);
    answer_clear(&a);
    return code;
}

const struct verb status_verb = {
    .noun = "status",
    .arguments = "",
    .run = run_status,
    .summary = "Say whether the server answers, and what it has.",
    .examples = "  lathe status\n",
};
