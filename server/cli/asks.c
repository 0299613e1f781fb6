/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/cli/cli.h"

const struct option_spec ask_options[] = {
    {"space", OPTION_TEXT, "SPACE", "e.g. ofa-mbv3-w1.2"},
    {"latency-ms", OPTION_NUMBERS, "MS[,..]", "at most this latency, by each table; or a limit for each"},
    {"macs-m", OPTION_NUMBER, "M", "at most so many million MACs"},
    {"params-m", OPTION_NUMBER, "M", "at most so many million parameters"},
    {"peak-activation-kb", OPTION_NUMBER, "KB", "at most so much activation memory (f32)"},
    {"weights-kb", OPTION_NUMBER, "KB", "at most so much for weights (f32)"},
    {"sram-kb", OPTION_NUMBER, "KB", "at most so much of a board's SRAM (int8); default: what the board has"},
    {"flash-kb", OPTION_NUMBER, "KB", "at most so much of its flash (int8); default: what the board has left"},
    {"fix", OPTION_TEXTS, "KEY=VALUE", "resolution=192, kernel=3, expand=4, depth=2:3:-:-:- (- is free)"},
    {"predictor", OPTION_TEXT, "ID", "default: the one that ships for the space"},
    {"resolutions", OPTION_INTEGERS, "R,..", "only these"},
    {"seed", OPTION_INTEGER, "N", "same seed, same answer (default 0)"},
    {"budget-ms", OPTION_NUMBER, "MS", "work that the search may do: its time on an idle core"},
    {0},
};

static const struct {
    const char *option, *field;
} limits[] = {
    {"latency-ms", "latency_ms"}, {"macs-m", "macs_m"},
    {"params-m", "params_m"},     {"peak-activation-kb", "peak_activation_kb"},
    {"weights-kb", "weights_kb"}, {"sram-kb", "sram_kb"},
    {"flash-kb", "flash_kb"},
};

/* A number, or with colons between a list in which "-" is null. @return NULL when it is neither. */
static json_t *choice_json(const char *text, size_t length)
{
    const char *end = text + length;
    json_t *list = json_array();
    for (;;) {
        double value = 0;
        const char *colon = memchr(text, ':', (size_t)(end - text));
        size_t n = (size_t)((colon ? colon : end) - text);
        bool is_free = n == 1 && text[0] == '-';
        if (!is_free && !text_to_double(text, n, &value)) break;
        json_array_append_new(list, is_free ? json_null() : json_real(value));
        if (!colon && json_array_size(list) > 1) return list;
        if (!colon && is_free) break;
        if (!colon) {
            json_decref(list);
            return json_real(value);
        }
        text = colon + 1;
    }
    json_decref(list);
    return NULL;
}

/* "KEY=VALUE" */
static bool put_choice(const struct cli *cli, json_t *fix, const char *text, size_t length)
{
    char key[32];
    const char *equals = memchr(text, '=', length);
    json_t *value = equals ? choice_json(equals + 1, (size_t)(text + length - equals - 1)) : NULL;
    if (!value || equals == text) {
        cli_misuse(cli->verb, "--fix needs KEY=VALUE, for example kernel=3 or depth=2:3:-:-:-, not '%.*s'", (int)length,
                   text);
        json_decref(value);
        return false;
    }
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    bool again = json_object_get(fix, key) != NULL;
    if (again) cli_misuse(cli->verb, "--fix has %s twice", key);
    json_object_set_new(fix, key, value);
    return !again;
}

static bool put_choices(const struct cli *cli, json_t *fix, const char *text)
{
    for (;;) {
        size_t n = strcspn(text, ",");
        if (!put_choice(cli, fix, text, n)) return false;
        if (!text[n]) return true;
        text += n + 1;
    }
}

static void put_tables(const struct cli *cli, json_t *body)
{
    json_t *tables = json_array();
    for (int i = 0; i < cli->argument_count; i++) json_array_append_new(tables, json_string(cli->arguments[i]));
    if (cli->argument_count == 1) json_object_set(body, "table", json_array_get(tables, 0));
    else json_object_set(body, "tables", tables);
    json_decref(tables);
}

json_t *ask_request(const struct cli *cli)
{
    static const struct {
        const char *option, *field;
    } fields[] = {{"space", "space"},
                  {"predictor", "predictor"},
                  {"resolutions", "resolutions"},
                  {"seed", "seed"},
                  {"budget-ms", "budget_ms"}};
    const struct option_value *fixes = cli_option(cli, "fix");
    bool good = cli_require(cli, "space");
    if (!good) return NULL;
    json_t *body = json_object();
    json_t *constraints = json_object();
    json_t *fix = json_object();
    put_tables(cli, body);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        cli_put(cli, constraints, limits[i].field, limits[i].option);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) cli_put(cli, body, fields[i].field, fields[i].option);
    for (int i = 0; i < fixes->times && good; i++) good = put_choices(cli, fix, fixes->texts[i]);
    if (json_object_size(constraints)) json_object_set(body, "constraints", constraints);
    if (fixes->given) json_object_set(body, "fix", fix);
    json_decref(constraints);
    json_decref(fix);
    if (good) return body;
    json_decref(body);
    return NULL;
}

bool ask_has_limit(const json_t *request)
{
    return json_object_size(json_object_get(request, "constraints")) > 0;
}
