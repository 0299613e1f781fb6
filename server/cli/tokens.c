/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>

#include "server/cli/verbs.h"

static enum exit_code run_create(struct cli *cli)
{
    struct answer a;
    json_t *body = json_pack("{s:s, s:s}", "name", cli->arguments[0], "role", "user");
    cli_put(cli, body, "role", "role");
    enum exit_code code = call_json(cli, "POST", "/v1/tokens", body, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else puts(shown_at(a.json, "token"));
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"TOKEN", "name", CELL_TEXT}, {"ROLE", "role", CELL_TEXT}, {"CREATED", "created", CELL_TEXT}, {0}};
    return list_and_print(cli, "/v1/tokens", columns, "No tokens.");
}

static enum exit_code run_revoke(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!cli_confirm(cli, "Whoever uses token %s will be locked out.", cli->arguments[0])) return EXIT_FAILED;
    if (!path_print(path, "/v1/tokens/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_delete(cli, path, "token", cli->arguments[0]);
}

static const struct option_spec create_options[] = {
    {"role", OPTION_TEXT, "ROLE", "user (default), agent or admin"},
    {0},
};

const struct verb token_verbs[] = {
    {.noun = "token",
     .name = "create",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .options = create_options,
     .run = run_create,
     .summary = "Make a token and print it, once. An agent's token has the agent's name.",
     .examples = "  lathe token create lab1 --role agent > lab1.token\n"},
    {.noun = "token",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List tokens, without their secrets.",
     .examples = "  lathe token list\n"},
    {.noun = "token",
     .name = "revoke",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .run = run_revoke,
     .summary = "Revoke a token.",
     .examples = "  lathe token revoke lab1 --yes\n"},
    {0},
};
