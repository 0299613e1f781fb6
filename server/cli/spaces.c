/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>

#include "server/cli/verbs.h"

enum { FILE_BYTES = 1 << 20 };

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"SPACE", "id", CELL_TEXT},         {"FAMILY", "family", CELL_TEXT},
        {"SUBNETS", "subnets", CELL_SHORT}, {"ROWS A RESOLUTION", "rows_per_resolution", 0},
        {"TITLE", "title", CELL_TEXT},      {0},
    };
    return list_and_print(cli, "/v1/spaces", columns, "No spaces.");
}

static enum exit_code run_show(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/spaces/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_and_print(cli, "GET", path, NULL);
}

static enum exit_code run_add(struct cli *cli)
{
    char path[PATH_BYTES];
    struct answer a;
    json_t *document;
    const char *file = cli->arguments[0];
    enum exit_code code = read_json_file(file, FILE_BYTES, &document);
    if (code) return code;
    const char *id = text_at(document, "id");
    if (!id) fprintf(stderr, "lathe: %s has no \"id\": is it a space?\n", file);
    if (!id || !path_print(path, "/v1/spaces/%s", id)) {
        json_decref(document);
        return EXIT_FAILED;
    }
    cli->about = file;
    code = call_json(cli, "PUT", path, document, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else
        printf("space %s: %.3g subnets, %.0f rows a resolution\n", shown_at(a.json, "id"), number_at(a.json, "subnets"),
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
