/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>
#include <string.h>

#include "server/cli/cli.h"

enum { VALUE_BYTES = 512 };

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

const char *shown_at(const json_t *document, const char *path)
{
    const char *text = text_at(document, path);
    return text ? text : "-";
}

double number_at(const json_t *document, const char *path)
{
    return json_number_value(json_at(document, path));
}

static void print_array(const json_t *array, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(array) && n + 1 < size; i++) {
        if (i) out[n++] = ',';
        value_print(json_array_get(array, i), out + n, size - n);
        n += strlen(out + n);
    }
}

/* Texts come from other users: what moves a terminal's cursor must not get through. */
static void replace_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

void value_print(const json_t *value, char *out, size_t size)
{
    if (!value || json_is_null(value)) {
        snprintf(out, size, "-");
    } else if (json_is_string(value)) {
        snprintf(out, size, "%s", json_string_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, size, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value) && !json_is_object(json_array_get(value, 0))) {
        print_array(value, out, size);
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        snprintf(out, size, "%s", text ? text : "");
        free(text);
    }
    replace_controls(out);
}

static void print_field(const char *name, const json_t *value, int indent)
{
    char shown[VALUE_BYTES];
    if (json_is_object(value) && indent == 0) {
        const char *inner;
        json_t *part;
        printf("%s\n", name);
        json_object_foreach((json_t *)value, inner, part) print_field(inner, part, 2);
        return;
    }
    value_print(value, shown, sizeof shown);
    printf("%*s%-*s %s\n", indent, "", 22 - indent, name, shown);
}

void print_thing(const struct cli *cli, const json_t *thing)
{
    const char *name;
    json_t *value;
    if (cli->json) {
        print_json(thing);
        return;
    }
    json_object_foreach((json_t *)thing, name, value) print_field(name, value, 0);
}

enum exit_code call_and_print(const struct cli *cli, const char *method, const char *path, json_t *take_body)
{
    struct answer a;
    enum exit_code code = call_json(cli, method, path, take_body, &a);
    if (code) return code;
    print_thing(cli, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

enum exit_code call_delete(const struct cli *cli, const char *path, const char *thing, const char *name)
{
    struct answer a;
    enum exit_code code = call_json(cli, "DELETE", path, NULL, &a);
    if (code) return code;
    answer_clear(&a);
    if (!cli->json) printf("removed %s %s\n", thing, name);
    return EXIT_DONE;
}

static const char instructions[] = "M instr.";

const char *unit_of(const json_t *fingerprint)
{
    const char *clock = text_at(fingerprint, "clock");
    return clock && strcmp(clock, "instructions") == 0 ? instructions : "ms";
}

void print_unit_note(const char *unit)
{
    if (strcmp(unit, instructions) == 0) puts("M instr.: millions of instructions (emulated), not time");
}
