/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/check/report.h"

static const char *const results[] = {[VERDICT_OK] = "ok", [VERDICT_FAILED] = "FAIL", [VERDICT_SKIPPED] = "skipped"};

void report_begin(struct report *r, FILE *out, bool json)
{
    *r = (struct report){.out = out, .json = json ? json_array() : NULL};
}

static void add_text(json_t *object, const char *key, const char *text)
{
    if (!text[0]) return;
    json_t *value = json_string(text);
    json_object_set_new(object, key, value ? value : json_string("(a text that is no UTF-8)"));
}

static void add_json(struct report *r, const struct check *check, const struct verdict *v)
{
    json_t *object = json_object();
    add_text(object, "name", check->name);
    add_text(object, "result", results[v->result]);
    add_text(object, "claim", check->claim);
    add_text(object, "paragraph", v->paragraph);
    if (v->result == VERDICT_FAILED) {
        add_text(object, "expected", v->expected);
        add_text(object, "got", v->got);
    }
    add_text(object, "note", v->note);
    json_array_append_new(r->json, object);
}

/* Control characters of a runner's text must not reach a terminal. */
static void print_text(FILE *out, const char *text)
{
    for (; *text; text++) fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void print_line(struct report *r, const struct check *check, const struct verdict *v)
{
    fprintf(r->out, "%-7s %s: ", results[v->result], check->name);
    if (v->result == VERDICT_FAILED) {
        fputs("expected ", r->out);
        print_text(r->out, v->expected);
        fputs("; got ", r->out);
        print_text(r->out, v->got);
        fprintf(r->out, " (PROTOCOL.md, \"%s\")", v->paragraph);
    } else {
        fputs(check->claim, r->out);
        if (v->note[0]) fputs("; ", r->out);
        print_text(r->out, v->note);
    }
    fputc('\n', r->out);
    fflush(r->out);
}

void report_check(struct report *r, const struct check *check, const struct verdict *v)
{
    r->passed += v->result == VERDICT_OK;
    r->failed += v->result == VERDICT_FAILED;
    r->skipped += v->result == VERDICT_SKIPPED;
    if (r->json) add_json(r, check, v);
    else print_line(r, check, v);
}

void report_end(struct report *r, const struct probe_options *o)
{
    char config[64];
    snprintf(config, sizeof config, "%s-%s-t%d-b%d", o->runtime, dtype_name(o->dtype), o->threads, o->batch);
    if (!r->json) {
        print_text(r->out, r->runner);
        fprintf(r->out, "%s%s: %d checks ok, %d failed, %d skipped\n", r->runner[0] ? ", " : "", config, r->passed,
                r->failed, r->skipped);
        return;
    }
    json_t *object = json_object();
    add_text(object, "runner", r->runner);
    add_text(object, "config", config);
    json_object_set_new(object, "passed", json_boolean(r->failed == 0));
    json_object_set_new(object, "checks", r->json);
    json_dumpf(object, r->out, JSON_INDENT(1));
    fputc('\n', r->out);
    json_decref(object);
}
