/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"

enum { COLUMNS_MOST = 12, CELL_BYTES = 320 };

void print_json(const json_t *document)
{
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
}

const json_t *json_at(const json_t *document, const char *path)
{
    while (document && *path) {
        char name[64];
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        document = json_object_get(document, name);
        path += n + (path[n] == '.');
    }
    return json_is_null(document) ? NULL : document;
}

const char *text_at(const json_t *document, const char *path)
{
    return json_string_value(json_at(document, path));
}

double number_at(const json_t *document, const char *path)
{
    return json_number_value(json_at(document, path));
}

/* A value as people read it: lists as "a,b", objects as JSON. */
static void print_value(const json_t *value, const struct column *column, char *out)
{
    if (!value) {
        snprintf(out, CELL_BYTES, "-");
    } else if (json_is_string(value)) {
        snprintf(out, CELL_BYTES, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, CELL_BYTES, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_number(value) && column && column->decimals >= 0) {
        snprintf(out, CELL_BYTES, "%.*f", column->decimals,
                 json_number_value(value) * (column->scale != 0 ? column->scale : 1));
    } else if (json_is_array(value)) {
        size_t n = 0;
        out[0] = '\0';
        for (size_t i = 0; i < json_array_size(value) && n + 40 < CELL_BYTES; i++) {
            char item[CELL_BYTES];
            print_value(json_array_get(value, i), NULL, item);
            n += (size_t)snprintf(out + n, CELL_BYTES - n, "%s%s", i ? "," : "", item);
            if (n >= CELL_BYTES) n = CELL_BYTES - 1;
        }
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        snprintf(out, CELL_BYTES, "%s", text ? text : "");
        free(text);
    }
}

void print_table(const struct column *columns, const json_t *rows)
{
    size_t widths[COLUMNS_MOST];
    char cell[CELL_BYTES];
    size_t count = 0;
    for (; columns[count].heading && count < COLUMNS_MOST; count++) widths[count] = strlen(columns[count].heading);
    for (size_t r = 0; r < json_array_size(rows); r++) {
        for (size_t c = 0; c < count; c++) {
            print_value(json_at(json_array_get(rows, r), columns[c].field), &columns[c], cell);
            if (strlen(cell) > widths[c]) widths[c] = strlen(cell);
        }
    }
    for (size_t r = 0; r <= json_array_size(rows); r++) {
        for (size_t c = 0; c < count; c++) {
            if (r == 0) snprintf(cell, sizeof cell, "%s", columns[c].heading);
            else print_value(json_at(json_array_get(rows, r - 1), columns[c].field), &columns[c], cell);
            bool last = c + 1 == count;
            if (columns[c].decimals >= 0) printf("%*s%s", (int)widths[c], cell, last ? "" : "  ");
            else printf("%-*s%s", last ? 0 : (int)widths[c], cell, last ? "" : "  ");
        }
        putchar('\n');
    }
}

enum exit_code print_list(const struct cli *cli, const struct column *columns, json_t *take_items,
                          const char *when_empty)
{
    json_t *list = json_pack("{s:o}", "items", take_items);
    if (cli->json) print_json(list);
    else if (json_array_size(take_items) == 0) puts(when_empty);
    else print_table(columns, take_items);
    json_decref(list);
    return EXIT_DONE;
}

void print_thing(const struct cli *cli, const json_t *thing)
{
    const char *name;
    json_t *value;
    char cell[CELL_BYTES];
    if (cli->json) {
        print_json(thing);
        return;
    }
    json_object_foreach((json_t *)thing, name, value)
    {
        if (json_is_object(value)) {
            const char *inner;
            json_t *part;
            printf("%s:\n", name);
            json_object_foreach(value, inner, part)
            {
                print_value(json_is_null(part) ? NULL : part, NULL, cell);
                printf("  %-20s %s\n", inner, cell);
            }
            continue;
        }
        print_value(json_is_null(value) ? NULL : value, NULL, cell);
        printf("%-22s %s\n", name, cell);
    }
}
