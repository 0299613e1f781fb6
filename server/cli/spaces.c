/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>

#include "lut/base/file.h"
#include "server/cli/verbs.h"

enum { FILE_BYTES = 1 << 20 };

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"SPACE", "id", -1, 0},        {"FAMILY", "family", -1, 0},
        {"SUBNETS", "subnets", -1, 0}, {"ROWS A RESOLUTION", "rows_per_resolution", 0, 0},
        {"TITLE", "title", -1, 0},     {0},
    };
    json_t *items;
    enum exit_code code = call_list(cli, "/v1/spaces", &items);
    return code ? code : print_list(cli, columns, items, "No spaces.");
}

static enum exit_code run_show(struct cli *cli)
{
    char id[256];
    char path[320];
    struct answer a;
    url_encode(cli->arguments[0], id, sizeof id);
    snprintf(path, sizeof path, "/v1/spaces/%s", id);
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    print_thing(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_add(struct cli *cli)
{
    struct lathe_error err = {0};
    struct answer a;
    json_error_t where;
    char id[256];
    char path[320];
    char *text;
    size_t size;
    if (file_read(cli->arguments[0], FILE_BYTES, &text, &size, &err)) return complain(&err);
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!document || !text_at(document, "id")) {
        if (document) fprintf(stderr, "lathe: %s has no \"id\"\n", cli->arguments[0]);
        else fprintf(stderr, "lathe: %s is not JSON: %s (line %d)\n", cli->arguments[0], where.text, where.line);
        json_decref(document);
        return EXIT_FAILED;
    }
    url_encode(text_at(document, "id"), id, sizeof id);
    snprintf(path, sizeof path, "/v1/spaces/%s", id);
    enum exit_code code = call_json(cli, "PUT", path, document, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else
        printf("space %s: %.3g subnets, %.0f rows a resolution\n", text_at(a.json, "id"), number_at(a.json, "subnets"),
               number_at(a.json, "rows_per_resolution"));
    answer_clear(&a);
    return EXIT_DONE;
}

const struct verb space_verbs[] = {
    {.noun = "space",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List search spaces.",
     .examples = "  lathe space list\n"},
    {.noun = "space",
     .name = "show",
     .arguments = "SPACE",
     .least = 1,
     .most = 1,
     .run = run_show,
     .summary = "Show one space.",
     .examples = "  lathe space show ofa-mbv3-w1.2 --json\n"},
    {.noun = "space",
     .name = "add",
     .arguments = "FILE",
     .least = 1,
     .most = 1,
     .run = run_add,
     .summary = "Add a space of your own, or replace it.",
     .examples = "  lathe space add my-space.json\n"},
    {0},
};
