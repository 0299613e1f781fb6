/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* OPEN and the fingerprint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/check/checks.h"
#include "agents/wire/layer.h"

enum { LINES_MAX = 64 };

static struct wire_open usual(const struct probe *p)
{
    struct wire_open m = {.dtype = wire_dtype_from(p->options.dtype),
                          .threads = (uint8_t)p->options.threads,
                          .batch = (uint8_t)p->options.batch};
    memcpy(m.runtime, p->options.runtime, sizeof m.runtime);
    return m;
}

static bool refuse_open(struct probe *p, struct verdict *v, struct wire_open m, unsigned codes, const char *what)
{
    struct wire_cursor c = probe_begin(p, WIRE_OPEN);
    wire_open(&c, &m);
    return probe_want_error(p, v, &c, codes, what);
}

static bool check_values(struct probe *p, struct verdict *v)
{
    const unsigned invalid = 1u << WIRE_E_INVALID;
    struct wire_open m = usual(p);
    if (!probe_hello(p, v)) return false;
    m.threads = 0;
    if (!refuse_open(p, v, m, invalid, "OPEN with no threads")) return false;
    m.threads = 65;
    if (!refuse_open(p, v, m, invalid, "OPEN with 65 threads")) return false;
    m = usual(p);
    m.batch = 0;
    if (!refuse_open(p, v, m, invalid, "OPEN with batch 0")) return false;
    m.batch = 65;
    if (!refuse_open(p, v, m, invalid, "OPEN with batch 65")) return false;
    m = usual(p);
    m.dtype = 99;
    if (!refuse_open(p, v, m, invalid | 1u << WIRE_E_UNSUPPORTED, "OPEN with dtype 99")) return false;
    m = usual(p);
    snprintf(m.runtime, sizeof m.runtime, "no-such-runtime");
    if (!refuse_open(p, v, m, 1u << WIRE_E_UNSUPPORTED, "OPEN of a runtime that there is not")) return false;
    return probe_open(p, v);
}

static bool read_line(struct probe *p, struct verdict *v, uint16_t index, struct wire_info_reply *out)
{
    struct wire_info m = {index};
    struct wire_cursor c = probe_begin(p, WIRE_INFO);
    wire_info(&c, &m);
    if (!probe_want_reply(p, v, &c)) return false;
    *out = (struct wire_info_reply){0};
    wire_info_reply(&p->payload, out);
    if (!probe_read_all(p, v)) return false;
    if (out->index == index) return true;
    return verdict_fail(v, "the index asked for in INFO's reply", "%u where %u was asked for", out->index, index);
}

/* A key of small letters, digits and _; then "=" and printable text. */
static bool is_line(const char *line)
{
    size_t key = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (key == 0 || line[key] != '=') return false;
    for (const char *at = line; *at; at++)
        if (*at < 0x20 || *at > 0x7e) return false;
    return true;
}

/* @param[out] lines LINES_MAX; *count of them. */
static bool read_lines(struct probe *p, struct verdict *v, struct wire_info_reply *lines, int *count)
{
    if (!probe_open(p, v)) return false;
    *count = p->info_lines;
    if (p->info_lines < 1 || p->info_lines > LINES_MAX)
        return verdict_fail(v, "1 to 64 lines of fingerprint", "%u", p->info_lines);
    for (uint16_t i = 0; i < p->info_lines; i++) {
        if (!read_line(p, v, i, &lines[i])) return false;
        if (!is_line(lines[i].line))
            return verdict_fail(v, "lines key=value, the key of a-z 0-9 _, all printable ASCII", "\"%.200s\"",
                                lines[i].line);
    }
    struct wire_info m = {p->info_lines};
    struct wire_cursor c = probe_begin(p, WIRE_INFO);
    wire_info(&c, &m);
    return probe_want_error(p, v, &c, 1u << WIRE_E_NOT_FOUND, "INFO of a line past the last");
}

/* @return the value, or NULL. */
static const char *find_key(const struct wire_info_reply *lines, int count, const char *key)
{
    size_t n = strlen(key);
    for (int i = 0; i < count; i++)
        if (strncmp(lines[i].line, key, n) == 0 && lines[i].line[n] == '=') return lines[i].line + n + 1;
    return NULL;
}

static bool check_keys(struct verdict *v, const struct wire_info_reply *lines, int count)
{
    static const char *const usual_keys[] = {"isa", "kernel", "governor", "affinity", "flags"};
    for (int i = 0; i < count; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(lines[i].line, "="), lines[i].line);
        const char *value = strchr(lines[i].line, '=');
        if (value && find_key(lines, count, key) != value + 1)
            return verdict_fail(v, "every key once", "%s twice", key);
    }
    for (size_t i = 0; i < sizeof usual_keys / sizeof usual_keys[0]; i++)
        if (!find_key(lines, count, usual_keys[i])) verdict_note(v, "the fingerprint has no %s", usual_keys[i]);
    return true;
}

/* What the host asked for must be in the fingerprint, so that a table's version tells it. */
static bool check_asked(struct probe *p, struct verdict *v, const struct wire_info_reply *lines, int count)
{
    char number[2][16];
    snprintf(number[0], sizeof number[0], "%d", p->options.threads);
    snprintf(number[1], sizeof number[1], "%d", p->options.batch);
    const struct {
        const char *key, *value; /* NULL: any but none */
    } needed[] = {{"runner", NULL},       {"runtime", NULL},   {"cpu", NULL}, {"dtype", dtype_name(p->options.dtype)},
                  {"threads", number[0]}, {"batch", number[1]}};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        char expected[96];
        const char *value = find_key(lines, count, needed[i].key);
        if (value && *value && (!needed[i].value || strcmp(value, needed[i].value) == 0)) continue;
        snprintf(expected, sizeof expected, "a line %s=%s", needed[i].key, needed[i].value ? needed[i].value : "..");
        return verdict_fail(v, expected, value ? "\"%.100s\"" : "none", value ? value : "");
    }
    return true;
}

static bool check_fingerprint(struct probe *p, struct verdict *v)
{
    bool ok = false;
    int count = 0;
    struct wire_info_reply *lines = calloc(LINES_MAX, sizeof *lines);
    if (!lines) return verdict_skip(v, "no memory");
    if (read_lines(p, v, lines, &count)) ok = check_keys(v, lines, count) && check_asked(p, v, lines, count);
    free(lines);
    return ok;
}

static bool check_stable(struct probe *p, struct verdict *v)
{
    bool ok = false;
    int counts[2] = {0};
    struct wire_info_reply *lines = calloc(2 * (size_t)LINES_MAX, sizeof *lines);
    if (!lines) return verdict_skip(v, "no memory");
    if (read_lines(p, v, lines, &counts[0]) && read_lines(p, v, lines + LINES_MAX, &counts[1])) {
        ok = counts[0] == counts[1] || verdict_fail(v, "the same lines when a runtime is opened again",
                                                    "%d lines, then %d", counts[0], counts[1]);
        for (int i = 0; ok && i < counts[0]; i++)
            if (strcmp(lines[i].line, lines[LINES_MAX + i].line) != 0)
                ok = verdict_fail(v, "the same lines when a runtime is opened again", "\"%.120s\", then \"%.120s\"",
                                  lines[i].line, lines[LINES_MAX + i].line);
    }
    free(lines);
    return ok;
}

const struct check open_checks[] = {
    {"open-values", "OPEN with values that can't be is refused", "2 OPEN", check_values, NULL},
    {"fingerprint", "the fingerprint's lines are well-formed and tell what was asked for", "3 INFO", check_fingerprint,
     NULL},
    {"fingerprint-stable", "the fingerprint is the same when a runtime is opened again", "3 INFO", check_stable, NULL},
    {0},
};
