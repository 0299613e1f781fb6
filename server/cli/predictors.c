/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>

#include "lut/base/file.h"
#include "server/cli/verbs.h"

enum { FILE_BYTES = 64 * 1024 * 1024 };

static const struct option_spec space_option[] = {
    {"space", OPTION_TEXT, "SPACE", "of the subnets that it predicts; add: default as the file says"},
    {0},
};

static const struct option_spec train_options[] = {
    {"space", OPTION_TEXT, "SPACE", "of the subnets"},
    {"method", OPTION_TEXT, "METHOD", "ridge, mlp, or auto: the better of the two (default)"},
    {"seed", OPTION_INTEGER, "N", "of the perceptron's weights and batches (default 0)"},
    {"hidden", OPTION_INTEGERS, "WIDTHS", "of the perceptron's layers (default 128,128)"},
    {"epochs", OPTION_INTEGER, "N", "of the perceptron at most (default 100)"},
    {0},
};

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"PREDICTOR", "id", CELL_TEXT},
        {"SPACE", "space", CELL_TEXT},
        {"ORIGIN", "origin", CELL_TEXT},
        {"PARAMETERS", "parameters", 0},
        {"BYTES", "bytes", 0},
        {"CREATED", "created", CELL_TEXT},
        {0},
    };
    return list_and_print(cli, "/v1/predictors", columns, "No predictors yet: lathe predictor add ID FILE");
}

static enum exit_code run_show(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/predictors/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_and_print(cli, "GET", path, NULL);
}

/* Send a file to path and print the predictor that it made. */
static enum exit_code send_file(struct cli *cli, const char *method, char path[PATH_BYTES], const char *type)
{
    struct lathe_error err = {0};
    struct answer a;
    char *data;
    size_t size;
    if (!path_query(path, "space", cli_option(cli, "space")->text)) return EXIT_FAILED;
    if (file_read(cli->arguments[1], FILE_BYTES, &data, &size, &err)) return complain(&err);
    cli->about = cli->arguments[1];
    enum exit_code code = call(cli, method, path, data ? data : "", size, type, NULL, &a);
    free(data);
    if (code) return code;
    print_thing(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_add(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/predictors/%s", cli->arguments[0])) return EXIT_FAILED;
    return send_file(cli, "PUT", path, "application/octet-stream");
}

static enum exit_code run_train(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!cli_require(cli, "space")) return EXIT_BAD_USAGE;
    if (!path_print(path, "/v1/predictors/%s/train", cli->arguments[0])) return EXIT_FAILED;
    for (const struct option_spec *o = train_options + 1; o->name; o++)
        if (!path_query(path, o->name, cli_option(cli, o->name)->text)) return EXIT_FAILED;
    return send_file(cli, "POST", path, "text/csv");
}

static enum exit_code run_remove(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!cli_confirm(cli, "This removes predictor %s.", cli->arguments[0])) return EXIT_FAILED;
    if (!path_print(path, "/v1/predictors/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_delete(cli, path, "predictor", cli->arguments[0]);
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
     .examples = "  lathe predictor show ofa-mbv3-w1.2-mlp\n"},
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
     .options = train_options,
     .run = run_train,
     .summary = "Train one from subnets and their accuracies (columns k0.., e0.., d0.., r, accuracy).",
     .examples = "  lathe predictor train mine samples.csv --space ofa-mbv3-w1.2\n"
                 "  lathe predictor train mine samples.csv --space ofa-mbv3-w1.2 --method mlp --hidden 96,96\n"},
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
