/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/cli/verbs.h"

static const struct option_spec transport_options[] = {
    {"transport", OPTION_TEXT, "TYPE", "local, ssh or serial"},
    {"destination", OPTION_TEXT, "[USER@]HOST", "ssh: where"},
    {"port", OPTION_TEXT, "PORT", "ssh: a number; serial: a path, or usb:VID:PID[:SERIAL]"},
    {"baud", OPTION_INTEGER, "N", "serial: default 115200"},
    {"flow", OPTION_TEXT, "KIND", "serial: none, rtscts or xonxoff; default none"},
    {"reset", OPTION_TEXT, "LINE", "serial: dtr or rts is pulsed at each opening; default none"},
    {"protocol", OPTION_TEXT, "NAME", "serial: lathe, or mlperf-tiny for boards with that firmware"},
    {"visit-s", OPTION_INTEGER, "N", "serial: the longest that a visit may take, seconds"},
    {"cpus", OPTION_TEXT, "LIST", "local and ssh: the only processors to run on, e.g. 2-3"},
    {"governor", OPTION_TEXT, "NAME", "local and ssh: set this governor while measuring, e.g. performance"},
    {"khz", OPTION_INTEGER, "N", "local and ssh: lock the clock while measuring"},
    {"cool-below", OPTION_NUMBER, "CELSIUS", "local and ssh: measure only while it is cooler"},
    {"agent", OPTION_TEXT, "NAME", "the agent that serves it; default: any"},
    {0},
};

/* The transport object that the options describe; the server checks it.
 * @param fallback the type when none is given; NULL: then there is no transport. */
static json_t *transport_of(const struct cli *cli, const char *fallback)
{
    const struct option_value *type = cli_option(cli, "transport");
    const struct option_value *port = cli_option(cli, "port");
    const char *name = type->given ? type->text : fallback;
    uint64_t number;
    if (!name) return NULL;
    json_t *transport = json_pack("{s:s}", "type", name);
    cli_put(cli, transport, "destination", "destination");
    cli_put(cli, transport, "baud", "baud");
    cli_put(cli, transport, "flow", "flow");
    cli_put(cli, transport, "reset", "reset");
    cli_put(cli, transport, "protocol", "protocol");
    cli_put(cli, transport, "visit_s", "visit-s");
    cli_put(cli, transport, "cpus", "cpus");
    cli_put(cli, transport, "governor", "governor");
    cli_put(cli, transport, "khz", "khz");
    cli_put(cli, transport, "cool_below_c", "cool-below");
    /* A number for ssh, a path for serial. */
    cli_put(cli, transport, "port", "port");
    if (port->given && text_to_u64(port->text, strlen(port->text), &number) && number <= INT32_MAX)
        json_object_set_new(transport, "port", json_integer((json_int_t)number));
    return transport;
}

static enum exit_code run_add(struct cli *cli)
{
    json_t *body = json_pack("{s:s, s:o}", "name", cli->arguments[0], "transport", transport_of(cli, "local"));
    cli_put(cli, body, "agent", "agent");
    return call_and_print(cli, "POST", "/v1/devices", body);
}

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"DEVICE", "name", CELL_TEXT},
        {"STATE", "state", CELL_TEXT},
        {"TRANSPORT", "transport.type", CELL_TEXT},
        {"AGENT", "agent", CELL_TEXT},
        {"LAST SEEN", "last_seen", CELL_TEXT},
        {"LAST ERROR", "error", CELL_TEXT},
        {0},
    };
    return list_and_print(cli, "/v1/devices", columns, "No devices yet: lathe device add NAME");
}

static enum exit_code run_show(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/devices/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_and_print(cli, "GET", path, NULL);
}

static enum exit_code run_edit(struct cli *cli)
{
    char path[PATH_BYTES];
    const struct option_value *agent = cli_option(cli, "agent");
    json_t *transport = transport_of(cli, NULL);
    if (!transport && !agent->given)
        return cli_misuse(cli->verb, "nothing to change: give --transport with its options, or --agent");
    json_t *body = json_object();
    if (transport) json_object_set_new(body, "transport", transport);
    if (agent->given) json_object_set_new(body, "agent", agent->text[0] ? json_string(agent->text) : json_null());
    if (path_print(path, "/v1/devices/%s", cli->arguments[0])) return call_and_print(cli, "PATCH", path, body);
    json_decref(body);
    return EXIT_FAILED;
}

static enum exit_code run_release(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/devices/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_and_print(cli, "PATCH", path, json_pack("{s:b}", "quarantined", 0));
}

static enum exit_code run_remove(struct cli *cli)
{
    char path[PATH_BYTES];
    bool with_tables = cli_option(cli, "with-tables")->given;
    if (!cli_confirm(cli, "This removes device %s%s.", cli->arguments[0], with_tables ? " and all of its tables" : ""))
        return EXIT_FAILED;
    if (!path_print(path, "/v1/devices/%s", cli->arguments[0])) return EXIT_FAILED;
    if (!path_query(path, "with_tables", with_tables ? "true" : NULL)) return EXIT_FAILED;
    return call_delete(cli, path, "device", cli->arguments[0]);
}

static enum exit_code run_clean(struct cli *cli)
{
    char path[PATH_BYTES];
    struct answer a;
    if (!path_print(path, "/v1/devices/%s/clean", cli->arguments[0])) return EXIT_FAILED;
    enum exit_code code = call_json(cli, "POST", path, NULL, &a);
    if (code) return code;
    json_t *job = json_incref(a.json);
    answer_clear(&a);
    code = wait_for_job(cli, "clean", &job);
    if (!code && cli->json) print_json(job);
    else if (!code) printf("freed %.1f MB on %s\n", number_at(job, "freed_kb") / 1024, cli->arguments[0]);
    json_decref(job);
    return code;
}

static const struct option_spec remove_options[] = {
    {"with-tables", OPTION_FLAG, NULL, "remove its tables, too"},
    {0},
};

const struct verb device_verbs[] = {
    {.noun = "device",
     .name = "add",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .options = transport_options,
     .run = run_add,
     .summary = "Register a device.",
     .examples =
         "  lathe device add local\n"
         "  lathe device add pi4 --transport ssh --destination pi@10.0.0.7\n"
         "  lathe device add big --transport local --cpus 4-7\n"
         "  lathe device add nucleo --transport serial --port /dev/serial/by-id/usb-STMicroelectronics_STM32-if02\n"},
    {.noun = "device",
     .name = "scan",
     .arguments = "",
     .options = scan_options,
     .run = run_scan,
     .summary = "Ask what answers at the serial ports of agents. Opening a port may reset its board.",
     .examples = "  lathe device scan\n"
                 "  lathe device scan --agent lab --port /dev/ttyAMA0 --baud 921600\n"},
    {.noun = "device",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List devices and whether they are alive.",
     .examples = "  lathe device list\n"},
    {.noun = "device",
     .name = "show",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .run = run_show,
     .summary = "Show one device.",
     .examples = "  lathe device show pi4\n"},
    {.noun = "device",
     .name = "release",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .run = run_release,
     .summary = "Let a device out of quarantine, where it is for ten minutes after its work failed again and again.",
     .examples = "  lathe device release pi4\n"},
    {.noun = "device",
     .name = "edit",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .options = transport_options,
     .run = run_edit,
     .summary = "Change how a device is reached, or its agent (--agent '' for any).",
     .examples = "  lathe device edit pi4 --agent lab2\n"},
    {.noun = "device",
     .name = "clean",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .run = run_clean,
     .summary = "Remove the runners of earlier versions from an ssh device.",
     .examples = "  lathe device clean pi4\n"},
    {.noun = "device",
     .name = "remove",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .options = remove_options,
     .run = run_remove,
     .summary = "Remove a device. One that has tables needs --with-tables.",
     .examples = "  lathe device remove pi4 --with-tables --yes\n"},
    {0},
};
