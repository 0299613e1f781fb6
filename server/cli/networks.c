/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>

#include "server/cli/verbs.h"

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"NETWORK", "name", CELL_TEXT},  {"TOP-1 %", "top1_percent", 1},
        {"MACs M", "macs_m", 1},         {"PARAMS M", "params_m", 2},
        {"RESOLUTION", "resolution", 0}, {"FAMILY", "family", CELL_TEXT},
        {"TITLE", "title", CELL_TEXT},   {0},
    };
    json_t *document;
    size_t i;
    json_t *item;
    enum exit_code code = call_pages(cli, "/v1/networks", &document);
    if (code) return code;
    json_t *items = json_object_get(document, "items");
    if (cli->json) {
        print_json(document);
    } else {
        json_array_foreach(items, i, item)
            json_object_set_new(item, "top1_percent", json_real(100 * number_at(item, "top1")));
        print_table(columns, items);
    }
    json_decref(document);
    return EXIT_DONE;
}

static void print_network(const json_t *network)
{
    static const struct column columns[] = {
        {"LAYER", "layer", CELL_TEXT}, {"MACs M", "macs_m", 2}, {"PARAMS M", "params_m", 3}, {0}};
    printf("%s: %s\n", shown_at(network, "name"), shown_at(network, "title"));
    printf("top-1        %.1f %% (published)\n", 100 * number_at(network, "top1"));
    printf("MACs         %.1f M", number_at(network, "macs_m"));
    if (json_at(network, "published.macs_m")) printf(" (published: %g M)", number_at(network, "published.macs_m"));
    printf("\nparameters   %.2f M", number_at(network, "params_m"));
    if (json_at(network, "published.params_m")) printf(" (published: %g M)", number_at(network, "published.params_m"));
    printf("\nboard        %.1f kB of SRAM", number_at(network, "sram_kb"));
    if (json_at(network, "published.sram_kb")) printf(" (published: %g kB)", number_at(network, "published.sram_kb"));
    printf(", %.1f kB of flash", number_at(network, "flash_kb"));
    if (json_at(network, "published.flash_kb")) printf(" (published: %g kB)", number_at(network, "published.flash_kb"));
    printf(" (int8)\nresolution   %.0f\nsource       %s\n", number_at(network, "resolution"),
           shown_at(network, "source"));
    if (json_at(network, "notes")) printf("notes        %s\n", shown_at(network, "notes"));
    putchar('\n');
    print_table(columns, json_at(network, "layers"));
}

static enum exit_code run_show(struct cli *cli)
{
    char path[PATH_BYTES];
    struct answer a;
    if (!path_print(path, "/v1/networks/%s", cli->arguments[0])) return EXIT_FAILED;
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else print_network(a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

const struct verb network_verbs[] = {
    {.noun = "network",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List published networks to compare with.",
     .examples = "  lathe network list\n"},
    {.noun = "network",
     .name = "show",
     .arguments = "NETWORK",
     .least = 1,
     .most = 1,
     .run = run_show,
     .summary = "Show one: its layers, and where it is from.",
     .examples = "  lathe network show mobilenetv3-large-1.0\n"
                 "  lathe network show proxylessnas-cpu --json | jq .net_config\n"},
    {0},
};
