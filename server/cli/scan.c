/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What answers at the serial ports of agents: asked of each, awaited, and shown. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lut/base/clock.h"
#include "server/cli/verbs.h"

/* PATIENCE_S: six seconds a silent port, for as many ports as a machine is likely to have. */
enum { POLL_MS = 300, PATIENCE_S = 120 };

const struct option_spec scan_options[] = {
    {"agent", OPTION_TEXT, "NAME", "ask this agent; default: all that are online"},
    {"port", OPTION_TEXTS, "PORT", "ask at this port, too, which the system does not list; may be given again"},
    {"baud", OPTION_INTEGER, "N", "default 115200"},
    {0},
};

/* The agents to ask. @param[out] names new array. */
static enum exit_code choose_agents(const struct cli *cli, json_t **names)
{
    json_t *agents;
    size_t i;
    const json_t *agent;
    *names = json_array();
    if (cli_option(cli, "agent")->given) {
        json_array_append_new(*names, json_string(cli_option(cli, "agent")->text));
        return EXIT_DONE;
    }
    enum exit_code code = call_list(cli, "/v1/agents", &agents);
    if (code) {
        json_decref(*names);
        return code;
    }
    json_array_foreach(agents, i, agent)
    {
        if (json_is_true(json_object_get(agent, "online"))) json_array_append(*names, json_object_get(agent, "name"));
    }
    json_decref(agents);
    if (json_array_size(*names)) return EXIT_DONE;
    json_decref(*names);
    fputs("lathe: no agent is online: start lathe-agent\n", stderr);
    return EXIT_FAILED;
}

static json_t *request_of(const struct cli *cli)
{
    const struct option_value *port = cli_option(cli, "port");
    json_t *body = json_object();
    json_t *ports = json_array();
    for (int i = 0; i < port->times; i++) json_array_append_new(ports, json_string(port->texts[i]));
    json_object_set_new(body, "ports", ports);
    cli_put(cli, body, "baud", "baud");
    return body;
}

/* @param[out] ids object, agent -> id of its scan. */
static enum exit_code ask_all(const struct cli *cli, const json_t *names, json_t *ids)
{
    enum exit_code code = EXIT_DONE;
    size_t i;
    const json_t *name;
    json_array_foreach(names, i, name)
    {
        char path[PATH_BYTES];
        struct answer a;
        if (!path_print(path, "/v1/agents/%s/scan", json_string_value(name))) return EXIT_FAILED;
        code = call_json(cli, "POST", path, request_of(cli), &a);
        if (code) return code;
        json_object_set(ids, json_string_value(name), json_object_get(a.json, "id"));
        answer_clear(&a);
    }
    return code;
}

static json_t *row_of(const json_t *agent, const json_t *port)
{
    json_t *row = json_deep_copy(port);
    json_object_set(row, "agent", json_object_get(agent, "name"));
    return row;
}

/* Take in what agents have found. @param[in,out] ids those that are still awaited. */
static enum exit_code collect(const struct cli *cli, json_t *ids, json_t *rows)
{
    json_t *agents;
    size_t i;
    size_t k;
    const json_t *agent;
    const json_t *port;
    enum exit_code code = call_list(cli, "/v1/agents", &agents);
    if (code) return code;
    json_array_foreach(agents, i, agent)
    {
        const char *name = json_string_value(json_object_get(agent, "name"));
        const json_t *id = json_object_get(ids, name);
        const json_t *sees = json_object_get(agent, "sees");
        if (!id || !json_equal(id, json_object_get(sees, "scan"))) continue;
        json_array_foreach(json_object_get(sees, "serial"), k, port) json_array_append_new(rows, row_of(agent, port));
        json_object_del(ids, name);
    }
    json_decref(agents);
    return EXIT_DONE;
}

static enum exit_code wait_for_all(const struct cli *cli, json_t *ids, json_t *rows)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};
    uint64_t until = clock_now_ns() + (uint64_t)PATIENCE_S * 1000000000u;
    enum exit_code code = collect(cli, ids, rows);
    while (!code && json_object_size(ids) && clock_now_ns() < until) {
        nanosleep(&pause, NULL);
        code = collect(cli, ids, rows);
    }
    if (code || !json_object_size(ids)) return code;
    fprintf(stderr, "lathe: agent %s did not tell within %d s what it found: is it busy, or gone?\n",
            json_object_iter_key(json_object_iter(ids)), PATIENCE_S);
    return EXIT_FAILED;
}

static void print_rows(const json_t *rows)
{
    static const struct column columns[] = {
        {"AGENT", "agent", CELL_TEXT},
        {"PORT", "port", CELL_TEXT},
        {"PLUGGED IN", "description", CELL_TEXT},
        {"SPEAKS", "answer.protocol", CELL_TEXT},
        {"BOARD", "answer.name", CELL_TEXT},
        {"DEVICE", "answer.device", CELL_TEXT},
        {"", "answer.detail", CELL_TEXT},
        {0},
    };
    if (json_array_size(rows)) print_table(columns, rows);
    else puts("No serial ports.");
}

enum exit_code run_scan(struct cli *cli)
{
    json_t *names;
    enum exit_code code = choose_agents(cli, &names);
    if (code) return code;
    json_t *ids = json_object();
    json_t *rows = json_array();
    code = ask_all(cli, names, ids);
    if (!code) code = wait_for_all(cli, ids, rows);
    if (!code && cli->json) {
        json_t *document = json_pack("{s:O}", "items", rows);
        print_json(document);
        json_decref(document);
    } else if (!code) print_rows(rows);
    json_decref(names);
    json_decref(ids);
    json_decref(rows);
    return code;
}
