/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/cli/verbs.h"

static const struct option_spec transport_options[] = {
    {"transport", OPTION_TEXT, "TYPE", "local, ssh or serial"},
    {"destination", OPTION_TEXT, "[USER@]HOST", "ssh: where"},
    {"port", OPTION_TEXT, "PORT", "ssh: a number; serial: the path of the device"},
    {"baud", OPTION_INTEGER, "N", "serial: default 115200"},
    {"agent", OPTION_TEXT, "NAME", "the agent that serves it; default: any"},
    {0},
};

/* The transport object that the options describe; the server checks it. @return NULL when none is given. */
static json_t *transport_of(const struct cli *cli, const char *fallback)
{
    const struct option_value *type = cli_option(cli, "transport");
    const struct option_value *port = cli_option(cli, "port");
    const char *name = type->given ? type->text : fallback;
    if (!name) return NULL;
    json_t *transport = json_pack("{s:s}", "type", name);
    if (cli_option(cli, "destination")->given)
        json_object_set_new(transport, "destination", json_string(cli_option(cli, "destination")->text));
    if (cli_option(cli, "baud")->given)
        json_object_set_new(transport, "baud", json_integer(cli_option(cli, "baud")->integer));
    if (port->given) {
        uint64_t number;
        bool numeric = text_to_u64(port->text, strlen(port->text), &number) && number <= 65535;
        json_object_set_new(transport, "port", numeric ? json_integer((json_int_t)number) : json_string(port->text));
    }
    return transport;
}

static enum exit_code device_call(struct cli *cli, const char *method, json_t *take_body, const char *query,
                                  struct answer *out)
{
    char name[256];
    char path[320];
    url_encode(cli->arguments[0], name, sizeof name);
    snprintf(path, sizeof path, "/v1/devices/%s%s", name, query);
    return call_json(cli, method, path, take_body, out);
}

static enum exit_code print_device(const struct cli *cli, enum exit_code code, struct answer *a)
{
    if (code) return code;
    print_thing(cli, a->json);
    answer_clear(a);
    return EXIT_DONE;
}

static enum exit_code run_add(struct cli *cli)
{
    struct answer a;
    json_t *body = json_pack("{s:s, s:o}", "name", cli->arguments[0], "transport", transport_of(cli, "local"));
    if (cli_option(cli, "agent")->given)
        json_object_set_new(body, "agent", json_string(cli_option(cli, "agent")->text));
    enum exit_code code = call_json(cli, "POST", "/v1/devices", body, &a);
    return print_device(cli, code, &a);
}

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"DEVICE", "name", -1, 0}, {"STATE", "state", -1, 0},         {"TRANSPORT", "transport.type", -1, 0},
        {"AGENT", "agent", -1, 0}, {"LAST SEEN", "last_seen", -1, 0}, {0},
    };
    json_t *items;
    enum exit_code code = call_list(cli, "/v1/devices", &items);
    return code ? code : print_list(cli, columns, items, "No devices yet: lathe device add NAME");
}

static enum exit_code run_show(struct cli *cli)
{
    struct answer a;
    return print_device(cli, device_call(cli, "GET", NULL, "", &a), &a);
}

static enum exit_code run_edit(struct cli *cli)
{
    struct answer a;
    json_t *body = json_object();
    json_t *transport = transport_of(cli, NULL);
    const struct option_value *agent = cli_option(cli, "agent");
    if (transport) json_object_set_new(body, "transport", transport);
    if (agent->given) json_object_set_new(body, "agent", agent->text[0] ? json_string(agent->text) : json_null());
    if (json_object_size(body) == 0) {
        json_decref(body);
        return cli_misuse(cli->verb, "nothing to change: give --transport with its options, or --agent");
    }
    return print_device(cli, device_call(cli, "PATCH", body, "", &a), &a);
}

static enum exit_code run_remove(struct cli *cli)
{
    struct answer a;
    bool with_tables = cli_option(cli, "with-tables")->given;
    if (!cli_confirm(cli, "This removes device %s%s.", cli->arguments[0], with_tables ? " and all of its tables" : ""))
        return EXIT_FAILED;
    enum exit_code code = device_call(cli, "DELETE", NULL, with_tables ? "?with_tables=true" : "", &a);
    if (code) return code;
    answer_clear(&a);
    if (!cli->json) printf("removed device %s\n", cli->arguments[0]);
    return EXIT_DONE;
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
     .examples = "  lathe device add local\n"
                 "  lathe device add pi4 --transport ssh --destination pi@10.0.0.7\n"},
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
     .name = "edit",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .options = transport_options,
     .run = run_edit,
     .summary = "Change how a device is reached, or its agent (--agent '' for any).",
     .examples = "  lathe device edit pi4 --agent lab2\n"},
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
