/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Routes are few: they are tried one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/internal.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte of the escape at text; -1 when it is broken or a NUL, which no name and no value may hold. */
static int escaped_byte(const char *text, size_t left)
{
    if (left < 3) return -1;
    int high = hex_digit(text[1]);
    int low = hex_digit(text[2]);
    if (high < 0 || low < 0 || (high | low) == 0) return -1;
    return high << 4 | low;
}

static bool is_utf8(const char *text, size_t size)
{
    json_t *checked = json_stringn(text, size);
    json_decref(checked);
    return checked != NULL;
}

char *percent_decode(const char *text, size_t length, bool plus)
{
    char *out = malloc(length + 1);
    size_t n = 0;
    if (!out) return NULL;
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)text[i];
        if (byte == '%') {
            byte = escaped_byte(text + i, length - i);
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        if (byte < 0) {
            free(out);
            return NULL;
        }
        out[n++] = (char)byte;
    }
    out[n] = '\0';
    if (is_utf8(out, n)) return out;
    free(out);
    return NULL;
}

void pairs_clear(struct http_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].name);
        free(pairs[i].value);
    }
}

bool query_parse(const char *text, struct http_pair *pairs, size_t *count)
{
    while (*text) {
        size_t length = strcspn(text, "&");
        const char *equals = memchr(text, '=', length);
        size_t name_length = equals ? (size_t)(equals - text) : length;
        if (length > 0) {
            if (*count == HTTP_MAX_QUERY) return false;
            struct http_pair *p = &pairs[*count];
            p->name = percent_decode(text, name_length, true);
            p->value = equals ? percent_decode(equals + 1, length - name_length - 1, true) : strdup("");
            (*count)++;
            if (!p->name || !p->value) return false;
        }
        text += length + (text[length] == '&');
    }
    return true;
}

/* Match one path; fills params on a match. @return 1 match, 0 none, -1 a broken escape. */
static int match(const char *pattern, const char *path, struct http_pair *params, size_t *count)
{
    *count = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t p = strcspn(pattern, "/");
        size_t q = strcspn(path, "/");
        if (p > 1 && pattern[0] == '{') {
            if (q == 0 || *count == HTTP_MAX_PARAMS) return 0;
            params[*count].name = strndup(pattern + 1, p - 2);
            params[*count].value = percent_decode(path, q, false);
            (*count)++;
            if (!params[*count - 1].name || !params[*count - 1].value) return -1;
        } else if (p != q || memcmp(pattern, path, p) != 0) {
            return 0;
        }
        pattern += p;
        path += q;
    }
    return *pattern == '\0' && *path == '\0';
}

static void allow_method(char *allow, const char *method)
{
    size_t n = strlen(allow);
    snprintf(allow + n, HTTP_ALLOW_BYTES - n, "%s%s", n ? ", " : "", method);
}

const struct http_route *router_find(const struct http_route *const *tables, const char *method, const char *path,
                                     struct http_pair *params, size_t *param_count, char *allow)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    allow[0] = '\0';
    for (; *tables; tables++) {
        for (const struct http_route *route = *tables; route->method; route++) {
            int matched = match(route->pattern, path, params, param_count);
            if (matched == 1 && strcmp(route->method, wanted) == 0) return route;
            if (matched == 1) allow_method(allow, route->method);
            pairs_clear(params, *param_count);
            *param_count = 0;
            if (matched < 0) return NULL;
        }
    }
    return NULL;
}

size_t router_count(const struct http_route *const *tables)
{
    size_t n = 0;
    for (; *tables; tables++)
        for (const struct http_route *route = *tables; route->method; route++) n++;
    return n;
}

size_t router_number(const struct http_route *const *tables, const struct http_route *wanted)
{
    size_t n = 0;
    for (; *tables; tables++) {
        for (const struct http_route *route = *tables; route->method; route++, n++)
            if (route == wanted) return n;
    }
    return n;
}
