/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/host.h"
#include "agents/runner/report.h"

/* A JSON string; what a name may hold that JSON may not is escaped. */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c > 0x7e) fprintf(out, "\\u%04x", c);
        else fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc('"', out);
}

/* What a runtime does on this machine, in a batch of one. */
struct abilities {
    bool dtypes[DTYPES];
    int threads;                        /* most of any dtype; 0: it does nothing here */
    struct lathe_error refusal[DTYPES]; /* of the dtypes it doesn't do */
    struct lathe_error beyond;          /* of one thread more, where there could be */
};

static bool supports(const struct runtime *r, enum dtype dtype, int threads, struct lathe_error *err)
{
    const struct runtime_options o = {dtype, threads, 1};
    return r->supports(&o, err) == LATHE_OK;
}

/* The most threads that it runs a supported dtype on; it runs all counts below. */
static int most_threads(const struct runtime *r, enum dtype dtype)
{
    int most = 1;
    for (int step = RUNTIME_MAX_THREADS / 2; step; step /= 2)
        if (supports(r, dtype, most + step, NULL)) most += step;
    return most;
}

static void find_abilities(const struct runtime *r, struct abilities *a)
{
    enum dtype widest = DTYPE_F32;
    *a = (struct abilities){0};
    for (int i = 0; i < DTYPES; i++) {
        a->dtypes[i] = supports(r, (enum dtype)i, 1, &a->refusal[i]);
        int threads = a->dtypes[i] ? most_threads(r, (enum dtype)i) : 0;
        if (threads > a->threads) widest = (enum dtype)i;
        if (threads > a->threads) a->threads = threads;
    }
    if (a->threads && a->threads < RUNTIME_MAX_THREADS) supports(r, widest, a->threads + 1, &a->beyond);
}

/* "f32,int8", with quotes in JSON. */
static void print_dtypes(FILE *out, const struct abilities *a, bool json)
{
    const char *comma = "";
    for (int i = 0; i < DTYPES; i++) {
        if (!a->dtypes[i]) continue;
        fprintf(out, json ? "%s\"%s\"" : "%s%s", comma, dtype_name((enum dtype)i));
        comma = ",";
    }
}

static void print_refusals_json(FILE *out, const struct abilities *a)
{
    const char *comma = "";
    for (int i = 0; i < DTYPES; i++) {
        if (a->dtypes[i]) continue;
        fprintf(out, "%s{\"what\":\"%s\",\"why\":", comma, dtype_name((enum dtype)i));
        print_string(out, a->refusal[i].message);
        fputc('}', out);
        comma = ",";
    }
    if (!a->beyond.message[0]) return;
    fprintf(out, "%s{\"what\":\"t%d\",\"why\":", comma, a->threads + 1);
    print_string(out, a->beyond.message);
    fputc('}', out);
}

/* The processors that a runtime could use, the chosen one marked. */
static void print_choices(FILE *out, const struct runtime *r, bool json)
{
    struct runtime_choice choice;
    if (!r->choice) return;
    fputs(json ? ",\"devices\":[" : "", out);
    if (!json && r->choice(0, &choice)) fprintf(out, "\n%s devices (* is used):\n", r->name);
    for (int i = 0; r->choice(i, &choice); i++) {
        if (!json) {
            fprintf(out, "%s %s\n", choice.chosen ? "*" : " ", choice.name);
            continue;
        }
        fputs(i ? ",{\"name\":" : "{\"name\":", out);
        print_string(out, choice.name);
        fprintf(out, ",\"chosen\":%s}", choice.chosen ? "true" : "false");
    }
    fputs(json ? "]" : "", out);
}

static void list_json(FILE *out, const char *cpu, const char *isa)
{
    fprintf(out, "{\"runner\":\"lathe-run " LATHE_VERSION "\",\"build\":\"%s\",\"cpu\":", host_build_id());
    print_string(out, cpu);
    fputs(",\"isa\":", out);
    print_string(out, isa);
    fputs(",\"runtimes\":[", out);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        struct abilities a;
        find_abilities(*r, &a);
        fprintf(out, "%s{\"name\":\"%s\",\"version\":", r == runtimes ? "" : ",", (*r)->name);
        print_string(out, (*r)->version());
        fputs(",\"dtypes\":[", out);
        print_dtypes(out, &a, true);
        fprintf(out, "],\"max_threads\":%d,\"refuses\":[", a.threads);
        print_refusals_json(out, &a);
        fputs("]", out);
        print_choices(out, *r, true);
        fputs("}", out);
    }
    fputs("],\"absent\":[", out);
    for (const char *const *name = runtimes_absent; *name; name++)
        fprintf(out, "%s\"%s\"", name == runtimes_absent ? "" : ",", *name);
    fputs("]}\n", out);
}

static void print_row(FILE *out, const struct runtime *r, const struct abilities *a)
{
    char dtypes[32] = "none";
    char threads[16];
    FILE *text = a->threads ? fmemopen(dtypes, sizeof dtypes, "w") : NULL;
    if (text) {
        print_dtypes(text, a, false);
        fclose(text);
    }
    snprintf(threads, sizeof threads, a->threads > 1 ? "1-%d" : "%d", a->threads);
    fprintf(out, "%-12s %-10s %-8s %s\n", r->name, dtypes, threads, r->version());
}

static void print_refusals(FILE *out, const struct runtime *r, const struct abilities *a)
{
    for (int i = 0; i < DTYPES; i++)
        if (!a->dtypes[i]) fprintf(out, "no %s-%s: %s\n", r->name, dtype_name((enum dtype)i), a->refusal[i].message);
    if (a->beyond.message[0]) fprintf(out, "no %s-t%d: %s\n", r->name, a->threads + 1, a->beyond.message);
}

void report_list(FILE *out, bool json)
{
    char cpu[HOST_LINE_BYTES];
    char isa[HOST_LINE_BYTES];
    struct abilities a;
    host_cpu(cpu, sizeof cpu);
    host_isa(isa, sizeof isa);
    if (json) {
        list_json(out, cpu, isa);
        return;
    }
    fprintf(out, "lathe-run %s, build %s\ncpu: %s (%s)\n\n%-12s %-10s %-8s %s\n", LATHE_VERSION, host_build_id(), cpu,
            isa, "runtime", "dtypes", "threads", "version");
    for (const struct runtime *const *r = runtimes; *r; r++) {
        find_abilities(*r, &a);
        print_row(out, *r, &a);
    }
    fputc('\n', out);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        find_abilities(*r, &a);
        print_refusals(out, *r, &a);
    }
    for (const char *const *name = runtimes_absent; *name; name++)
        fprintf(out, "no %s: it is not part of this build\n", *name);
    for (const struct runtime *const *r = runtimes; *r; r++) print_choices(out, *r, false);
}
