/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "server/cli/nightly.h"

/* Take away the beginning of a character of UTF-8 whose end was cut off. */
static void drop_torn_end(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0) return;
    unsigned char first = (unsigned char)text[start - 1];
    size_t whole = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (length - start + 1 < whole) text[start - 1] = '\0';
}

/* Append to words; what does not fit is cut. */
static void add(char out[WORDS_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char out[WORDS_BYTES], const char *format, ...)
{
    size_t n = strlen(out);
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(out + n, WORDS_BYTES - n, format, args);
    va_end(args);
    if (wanted >= 0 && n + (size_t)wanted >= WORDS_BYTES) drop_torn_end(out, WORDS_BYTES - 1);
}

static bool is_word(const json_t *document, const char *field, const char *word)
{
    return strcmp(shown_at(document, field), word) == 0;
}

/* ---- findings ---- */

enum scope finding_scope(const json_t *finding)
{
    static const char *const names[SCOPES] = {"device", "kind", "stage", "row", "subnet"};
    for (int i = 0; i < SCOPES; i++)
        if (is_word(finding, "scope", names[i])) return (enum scope)i;
    return SCOPE_ROW;
}

bool finding_is_slower(const json_t *finding)
{
    return is_word(finding, "direction", "slower");
}

bool finding_is_of(const json_t *finding, const json_t *target)
{
    return is_word(finding, "device", shown_at(target, "device")) &&
           is_word(finding, "config", shown_at(target, "config"));
}

void finding_subject(const json_t *finding, char out[WORDS_BYTES])
{
    const char *name = text_at(finding, "subnet.name");
    const char *layer = text_at(finding, "layer");
    out[0] = '\0';
    switch (finding_scope(finding)) {
    case SCOPE_DEVICE:
        add(out, "the whole device");
        break;
    case SCOPE_KIND:
        add(out, "kind %s", shown_at(finding, "kind"));
        break;
    case SCOPE_STAGE:
        add(out, "%s", shown_at(finding, "stage"));
        break;
    case SCOPE_SUBNET:
        add(out, "%s", name ? name : shown_at(finding, "subnet.shipped"));
        break;
    default:
        add(out, "%s", layer ? layer : shown_at(finding, "what"));
        break;
    }
}

static double percent_of(double ratio)
{
    return 100 * (ratio - 1);
}

void finding_change(const json_t *finding, char out[WORDS_BYTES])
{
    double percent = percent_of(number_at(finding, "ratio"));
    snprintf(out, WORDS_BYTES, "%stakes %.1f%% %s", is_word(finding, "nature", "drift") ? "has drifted, and " : "",
             fabs(percent), percent < 0 ? "less" : "longer");
}

void finding_percent(const json_t *finding, char out[WORDS_BYTES])
{
    snprintf(out, WORDS_BYTES, "%+.1f%%", percent_of(number_at(finding, "ratio")));
}

void finding_interval(const json_t *finding, char out[WORDS_BYTES])
{
    const json_t *interval = json_at(finding, "interval");
    out[0] = '\0';
    if (!json_is_number(json_array_get(interval, 0)) || !json_is_number(json_array_get(interval, 1))) return;
    snprintf(out, WORDS_BYTES, "%+.1f%% to %+.1f%%", percent_of(json_number_value(json_array_get(interval, 0))),
             percent_of(json_number_value(json_array_get(interval, 1))));
}

void finding_p(const json_t *finding, char out[WORDS_BYTES])
{
    const json_t *p = json_at(finding, "q");
    if (!p) p = json_at(finding, "p");
    double value = json_number_value(p);
    if (!json_is_number(p)) out[0] = '\0';
    else if (value >= 0.001) snprintf(out, WORDS_BYTES, "%.3f", value);
    else snprintf(out, WORDS_BYTES, "%.0e", value);
}

void finding_confirmed(const json_t *finding, char out[WORDS_BYTES])
{
    double times = number_at(finding, "confirmed");
    out[0] = '\0';
    if (times == 1) add(out, "once");
    else if (times == 2) add(out, "twice");
    else if (times > 2) add(out, "%.0f times", times);
}

void finding_since(const json_t *run, const json_t *finding, char out[WORDS_BYTES])
{
    char at[32];
    const char *since = text_at(finding, "since.run");
    out[0] = '\0';
    if (!since) return;
    if (is_word(run, "id", since)) {
        add(out, "this night");
        return;
    }
    add(out, "%s", since);
    if (!text_at(finding, "since.at")) return;
    minute_print(text_at(finding, "since.at"), at);
    add(out, " of %s", at);
}

void finding_sentence(const json_t *run, const json_t *finding, char out[WORDS_BYTES])
{
    char part[WORDS_BYTES];
    double rows = number_at(finding, "row_count");
    bool is_subnet = finding_scope(finding) == SCOPE_SUBNET;
    char now[32];
    char before[32];
    finding_change(finding, out);
    finding_interval(finding, part);
    if (part[0]) add(out, " (95%% interval %s)", part);
    ms_print(json_at(finding, "now_ms"), now);
    ms_print(json_at(finding, "before_ms"), before);
    if (json_at(finding, "now_ms"))
        add(out, is_subnet ? ": now %s ms, before %s" : ", %s ms instead of %s", now, before);
    if (rows > 1) add(out, ", %.0f rows", rows);
    finding_p(finding, part);
    if (part[0]) add(out, ", p = %s", part);
    finding_confirmed(finding, part);
    if (part[0]) add(out, ", confirmed %s", part);
    finding_since(run, finding, part);
    if (part[0]) add(out, ", since %s", part);
}

void subnet_limit(const json_t *finding, char out[WORDS_BYTES])
{
    const json_t *limit = json_at(finding, "subnet.limit_ms");
    bool over = number_at(finding, "subnet.now_ms") > json_number_value(limit);
    out[0] = '\0';
    if (json_is_number(limit)) add(out, "%s its limit of %g ms", over ? "over" : "within", json_number_value(limit));
}

char *subnet_json(const json_t *subnet)
{
    return json_is_object(subnet) ? json_dumps(subnet, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
}

/* ---- targets ---- */

void target_name(const json_t *target, char out[WORDS_BYTES])
{
    out[0] = '\0';
    add(out, "%s/%s", shown_at(target, "device"), shown_at(target, "config"));
}

bool target_failed(const json_t *target)
{
    return is_word(target, "state", "failed");
}

size_t target_findings(const json_t *run, const json_t *target)
{
    const json_t *findings = json_at(run, "findings");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) n += finding_is_of(json_array_get(findings, i), target);
    return n;
}

/* ---- runs ---- */

struct totals {
    double rows_compared, device_s;
    size_t targets, first, failed;
    size_t slower, faster, subnets; /* findings; subnets are those that became slower, apart from the others */
};

static struct totals totals_of(const json_t *run)
{
    const json_t *targets = json_at(run, "targets");
    const json_t *findings = json_at(run, "findings");
    struct totals t = {.targets = json_array_size(targets)};
    for (size_t i = 0; i < t.targets; i++) {
        const json_t *target = json_array_get(targets, i);
        t.rows_compared += number_at(target, "rows_compared");
        t.device_s += number_at(target, "device_s");
        t.first += json_is_true(json_at(target, "first")) && !target_failed(target);
        t.failed += target_failed(target);
    }
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        bool slower = finding_is_slower(finding);
        bool subnet = finding_scope(finding) == SCOPE_SUBNET;
        t.slower += slower && !subnet;
        t.faster += !slower;
        t.subnets += slower && subnet;
    }
    return t;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void add_count(char out[WORDS_BYTES], size_t n, const char *thing, const char *what)
{
    if (n) add(out, "%s%zu %s%s %s", out[0] ? ", " : "", n, thing, plural(n), what);
}

static void found_print(const struct totals *t, char out[WORDS_BYTES])
{
    out[0] = '\0';
    add_count(out, t->slower, "finding", "slower");
    add_count(out, t->subnets, "shipped subnet", "slower");
    add_count(out, t->faster, "finding", "faster");
    add_count(out, t->failed, "device", "could not be profiled");
}

void run_summary(const json_t *run, char out[WORDS_BYTES])
{
    char part[WORDS_BYTES];
    struct totals t = totals_of(run);
    out[0] = '\0';
    if (is_word(run, "state", "running")) add(out, "under way");
    else if (is_word(run, "state", "cancelled")) add(out, "cancelled");
    found_print(&t, part);
    if (part[0]) {
        add(out, "%s%s", out[0] ? ": " : "", part);
        return;
    }
    if (out[0]) return;
    duration_print(t.device_s, part, sizeof part);
    if (t.first == t.targets) {
        add(out, "the first night of %zu device%s, which later ones are compared with", t.targets, plural(t.targets));
    } else {
        add(out, "nothing changed: %zu device%s, %.0f rows compared", t.targets, plural(t.targets), t.rows_compared);
        if (t.first) add(out, ", the first night of %zu", t.first);
    }
    add(out, ", %s of device time", part);
}

void ms_print(const json_t *value, char out[32])
{
    double ms = json_number_value(value);
    if (!json_is_number(value)) snprintf(out, 32, "-");
    else snprintf(out, 32, fabs(ms) < 1 ? "%.4g" : "%.3f", ms);
}

void minute_print(const char *time, char out[32])
{
    snprintf(out, 32, "%.16s", time ? time : "-");
    if (strlen(out) > 10 && out[10] == 'T') out[10] = ' ';
}

void buf_shown(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)text[0];
        unsigned char next = (unsigned char)text[1];
        bool second_set = c == 0xc2 && next >= 0x80 && next < 0xa0; /* C1, of two bytes in UTF-8 */
        if (c < 0x20 || c == 0x7f || second_set) buf_puts(out, "?");
        else buf_put(out, text, 1);
        text += second_set;
    }
}
