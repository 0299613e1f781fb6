/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>

#include "lut/base/file.h"
#include "server/cli/verbs.h"

enum { FILE_BYTES = 64 * 1024 * 1024 };

static const struct option_spec space_option[] = {
    {"space", OPTION_TEXT, "SPACE", "of the subnets that it predicts; add: default as the file says"},
    {0},
};

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"PREDICTOR", "id", -1, 0},
        {"SPACE", "space", -1, 0},
        {"ORIGIN", "origin", -1, 0},
        {"BYTES", "bytes", 0, 0},
        {0},
    };
    json_t *items;
    enum exit_code code = call_list(cli, "/v1/predictors", &items);
    return code ? code : print_list(cli, columns, items, "No predictors yet: lathe predictor add ID FILE");
}

static void predictor_path(const struct cli *cli, const char *rest, char *out, size_t size)
{
    char id[256];
    char space[256] = "";
    const struct option_value *option = cli_option(cli, "space");
    url_encode(cli->arguments[0], id, sizeof id);
    if (option->given) url_encode(option->text, space, sizeof space);
    snprintf(out, size, "/v1/predictors/%s%s%s%s", id, rest, option->given ? "?space=" : "", space);
}

static enum exit_code run_show(struct cli *cli)
{
    char path[640];
    struct answer a;
    predictor_path(cli, "", path, sizeof path);
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    print_thing(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

/* Send a file and print the predictor that it made. */
static enum exit_code send_file(struct cli *cli, const char *method, const char *rest, const char *type)
{
    struct lathe_error err = {0};
    struct answer a;
    char path[640];
    char *data;
    size_t size;
    if (file_read(cli->arguments[1], FILE_BYTES, &data, &size, &err)) return complain(&err);
    predictor_path(cli, rest, path, sizeof path);
    enum exit_code code = call(cli, method, path, data ? data : "", size, type, NULL, &a);
    free(data);
    if (code) return code;
    print_thing(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_add(struct cli *cli)
{
    return send_file(cli, "PUT", "", "application/octet-stream");
}

static enum exit_code run_train(struct cli *cli)
{
    if (!cli_option(cli, "space")->given) return cli_misuse(cli->verb, "--space is missing");
    return send_file(cli, "POST", "/train", "text/csv");
}

static enum exit_code run_remove(struct cli *cli)
{
    char path[640];
    struct answer a;
    if (!cli_confirm(cli, "This removes predictor %s.", cli->arguments[0])) return EXIT_FAILED;
    predictor_path(cli, "", path, sizeof path);
    enum exit_code code = call_json(cli, "DELETE", path, NULL, &a);
    if (code) return code;
    answer_clear(&a);
    if (!cli->json) printf("removed predictor %s\n", cli->arguments[0]);
    return EXIT_DONE;
}

const struct verb predictor_verbs[] = {
    {.noun = "predictor",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List accuracy predictors.",
     .examples = "  lathe predictor list\n"},
    {.noun = "predictor",
     .name = "show",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .run = run_show,
     .summary = "Show one predictor and where it comes from.",
     .examples = "  lathe predictor show ofa-mbv3-w1.2-ridge\n"},
    {.noun = "predictor",
     .name = "add",
     .arguments = "ID FILE",
     .least = 2,
     .most = 2,
     .options = space_option,
     .run = run_add,
     .summary = "Add a predictor from a safetensors file.",
     .examples = "  lathe predictor add ofa acc_predictor.safetensors --space ofa-mbv3-w1.2\n"},
    {.noun = "predictor",
     .name = "train",
     .arguments = "ID SAMPLES.csv",
     .least = 2,
     .most = 2,
     .options = space_option,
     .run = run_train,
     .summary = "Train one from subnets and their accuracies (columns k0.., e0.., d0.., r, accuracy).",
     .examples = "  lathe predictor train mine samples.csv --space ofa-mbv3-w1.2\n"},
    {.noun = "predictor",
     .name = "remove",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .run = run_remove,
     .summary = "Remove a predictor.",
     .examples = "  lathe predictor remove mine --yes\n"},
    {0},
};
