/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* There is no norm for JUnit XML. This keeps to what readers agree on: Jenkins' junit-10.xsd has the elements, GitLab
 * tells cases apart by classname and name and shows the text of a failure, Ant's times have neither fractions nor zone.
 */
#include <stdlib.h>
#include <string.h>

#include "server/cli/nightly.h"

/* ---- XML ---- */

/* Bytes of a character that XML 1.0 has no way to write, or advises against; 0: it is good. */
static size_t bad_character(const char *text)
{
    unsigned char c = (unsigned char)text[0];
    if (strncmp(text, "\xef\xbf\xbe", 3) == 0 || strncmp(text, "\xef\xbf\xbf", 3) == 0) return 3;
    if (c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0) return 2;
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* @return how many bytes of the text it was. */
static size_t put_character(struct buf *out, const char *text)
{
    char c = text[0];
    size_t bad = bad_character(text);
    if (bad) buf_puts(out, "\xef\xbf\xbd");
    else if (c == '&') buf_puts(out, "&amp;");
    else if (c == '<') buf_puts(out, "&lt;");
    else if (c == '>') buf_puts(out, "&gt;");
    else if (c == '"') buf_puts(out, "&quot;");
    else if (c == '\t' || c == '\n' || c == '\r') buf_printf(out, "&#%d;", c);
    else buf_put(out, text, 1);
    return bad ? bad : 1;
}

static void put_xml(struct buf *out, const char *text)
{
    while (*text) text += put_character(out, text);
}

static void put_attribute(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, " %s=\"", name);
    put_xml(out, text);
    buf_puts(out, "\"");
}

/* ---- cases ---- */

/* One check of a target: what was found about it, and how it is called. */
struct check {
    enum scope scope;
    const char *name;  /* of the case, unique within the target */
    const char *group; /* the kind, the stage, or the id of the shipped subnet; NULL: of the others */
};

struct suite {
    const json_t *run, *target;
    struct buf body;
    size_t tests, failures, errors, skipped;
};

static bool is_about(const json_t *finding, const struct check *check)
{
    if (finding_scope(finding) != check->scope) return false;
    if (check->scope == SCOPE_KIND) return strcmp(shown_at(finding, "kind"), check->group) == 0;
    if (check->scope == SCOPE_STAGE) return strcmp(shown_at(finding, "stage"), check->group) == 0;
    if (check->scope == SCOPE_SUBNET) return strcmp(shown_at(finding, "subnet.shipped"), check->group) == 0;
    return true;
}

static void put_rows(struct buf *out, const json_t *finding)
{
    const json_t *rows = json_at(finding, "rows");
    for (size_t i = 0; json_array_size(rows) > 1 && i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char percent[WORDS_BYTES];
        char now[32];
        char before[32];
        finding_percent(row, percent);
        ms_print(json_at(row, "now_ms"), now);
        ms_print(json_at(row, "before_ms"), before);
        buf_printf(out, "  %7s  %s ms, was %s  ", percent, now, before);
        put_xml(out, shown_at(row, "layer"));
        buf_puts(out, "\n");
    }
}

static void put_replacement(struct buf *out, const json_t *finding)
{
    char words[WORDS_BYTES];
    char *json = subnet_json(json_at(finding, "subnet.replacement.subnet"));
    subnet_limit(finding, words);
    if (words[0]) buf_printf(out, "It is %s.\n", words);
    if (json) {
        ms_print(json_at(finding, "subnet.replacement.latency_ms"), words);
        buf_printf(out, "This one meets it again, %s ms: ", words);
        put_xml(out, json);
        buf_puts(out, "\n");
    }
    free(json);
}

static void put_causes(struct buf *out, const json_t *target)
{
    const json_t *fields = json_at(target, "fingerprint");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        char before[WORDS_BYTES];
        char now[WORDS_BYTES];
        value_print(json_at(field, "before"), before, sizeof before);
        value_print(json_at(field, "now"), now, sizeof now);
        buf_puts(out, "Likely cause: ");
        put_xml(out, shown_at(field, "field"));
        buf_puts(out, " was ");
        put_xml(out, before);
        buf_puts(out, ", is ");
        put_xml(out, now);
        buf_puts(out, "\n");
    }
}

static void put_sentence(struct buf *out, const json_t *run, const json_t *finding)
{
    char words[WORDS_BYTES];
    finding_subject(finding, words);
    put_xml(out, words);
    buf_puts(out, " ");
    finding_sentence(run, finding, words);
    put_xml(out, words);
}

/* The findings about a check that went one way. @return how many. */
static size_t put_details(const struct suite *s, const struct check *check, bool slower, struct buf *out)
{
    const json_t *findings = json_at(s->run, "findings");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (!finding_is_of(finding, s->target) || !is_about(finding, check)) continue;
        if (finding_is_slower(finding) != slower) continue;
        n++;
        put_sentence(out, s->run, finding);
        buf_puts(out, "\n");
        if (check->scope == SCOPE_SUBNET) put_replacement(out, finding);
        else put_rows(out, finding);
    }
    return n;
}

static void open_case(struct suite *s, const char *name)
{
    char target[WORDS_BYTES];
    target_name(s->target, target);
    s->tests++;
    buf_puts(&s->body, "    <testcase");
    put_attribute(&s->body, "classname", target);
    put_attribute(&s->body, "name", name);
    buf_puts(&s->body, " time=\"0\"");
}

/* The first line of a text that is escaped already. */
static void put_message(struct buf *out, const struct buf *text)
{
    buf_puts(out, " message=\"");
    buf_put(out, text->data, strcspn(text->data, "\n"));
    buf_puts(out, "\"");
}

static void put_check(struct suite *s, const struct check *check)
{
    struct buf slower;
    struct buf faster;
    buf_init(&slower);
    buf_init(&faster);
    size_t bad = put_details(s, check, true, &slower);
    size_t good = put_details(s, check, false, &faster);
    open_case(s, check->name);
    if (!bad && !good) {
        buf_puts(&s->body, "/>\n");
    } else {
        buf_puts(&s->body, ">\n");
        if (bad && slower.data) {
            s->failures++;
            buf_puts(&s->body, "      <failure type=\"slower\"");
            put_message(&s->body, &slower);
            buf_puts(&s->body, ">");
            put_causes(&s->body, s->target);
            buf_put(&s->body, slower.data, slower.size);
            buf_puts(&s->body, "</failure>\n");
        }
        if (good && faster.data) {
            buf_puts(&s->body, "      <system-out>");
            buf_put(&s->body, faster.data, faster.size);
            buf_puts(&s->body, "</system-out>\n");
        }
        buf_puts(&s->body, "    </testcase>\n");
    }
    buf_clear(&slower);
    buf_clear(&faster);
}

/* ---- which checks there are ---- */

static bool has_value(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value)) return true;
    return false;
}

/* What the target lists, and what was found besides. @param field the one of a finding that says its group. New
 * reference. */
static json_t *groups_of(const struct suite *s, enum scope scope, const char *listed, const char *field)
{
    const json_t *findings = json_at(s->run, "findings");
    json_t *groups = json_array();
    json_array_extend(groups, (json_t *)json_at(s->target, listed));
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        json_t *value = (json_t *)json_at(finding, field);
        if (!value || finding_scope(finding) != scope || !finding_is_of(finding, s->target)) continue;
        if (!has_value(groups, value)) json_array_append(groups, value);
    }
    return groups;
}

/* @param prefix of the case's name; NULL: none. @param name borrowed. */
static void put_named(struct suite *s, struct check check, const char *prefix, const char *name)
{
    struct buf whole;
    buf_init(&whole);
    buf_printf(&whole, "%s%s%s", prefix ? prefix : "", prefix ? " " : "", name);
    check.name = whole.data ? whole.data : name;
    put_check(s, &check);
    buf_clear(&whole);
}

static void put_groups(struct suite *s, enum scope scope, const char *listed, const char *field, const char *prefix)
{
    json_t *groups = groups_of(s, scope, listed, field);
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const char *group = json_string_value(json_array_get(groups, i));
        if (group) put_named(s, (struct check){.scope = scope, .group = group}, prefix, group);
    }
    json_decref(groups);
}

static void put_subnet(struct suite *s, const char *id, const char *name)
{
    if (id) put_named(s, (struct check){.scope = SCOPE_SUBNET, .group = id}, "subnet", name ? name : id);
}

/* The target's list has objects with id and name. */
static void put_subnets(struct suite *s)
{
    const json_t *shipped = json_at(s->target, "checked.subnets");
    const json_t *findings = json_at(s->run, "findings");
    json_t *seen = json_array();
    for (size_t i = 0; i < json_array_size(shipped); i++) {
        const json_t *subnet = json_array_get(shipped, i);
        json_array_append(seen, (json_t *)json_at(subnet, "id"));
        put_subnet(s, text_at(subnet, "id"), text_at(subnet, "name"));
    }
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        json_t *id = (json_t *)json_at(finding, "subnet.shipped");
        if (!id || !finding_is_of(finding, s->target) || has_value(seen, id)) continue;
        json_array_append(seen, id);
        put_subnet(s, json_string_value(id), text_at(finding, "subnet.name"));
    }
    json_decref(seen);
}

/* A target without figures has one case, which says why. */
static bool put_without_figures(struct suite *s)
{
    const char *state = shown_at(s->target, "state");
    if (target_failed(s->target)) {
        s->errors++;
        open_case(s, "device speed");
        buf_puts(&s->body, ">\n      <error type=\"not profiled\"");
        put_attribute(&s->body, "message", shown_at(s->target, "error"));
        buf_puts(&s->body, ">");
        put_xml(&s->body, shown_at(s->target, "error"));
        buf_puts(&s->body, "</error>\n    </testcase>\n");
        return true;
    }
    bool first = json_is_true(json_at(s->target, "first"));
    bool done = strcmp(state, "done") == 0;
    if (done && !first) return false;
    s->skipped++;
    open_case(s, "device speed");
    buf_puts(&s->body, ">\n      <skipped");
    put_attribute(&s->body, "message", done ? "the first night: later ones are compared with it" : state);
    buf_puts(&s->body, "/>\n    </testcase>\n");
    return true;
}

/* ---- suites ---- */

static void put_property(struct buf *out, const char *name, const char *value)
{
    if (!value) return;
    buf_puts(out, "      <property");
    put_attribute(out, "name", name);
    put_attribute(out, "value", value);
    buf_puts(out, "/>\n");
}

static void put_suite(const struct suite *s, size_t number, struct buf *out)
{
    char name[WORDS_BYTES];
    char time[WORDS_BYTES];
    target_name(s->target, name);
    snprintf(time, sizeof time, "%.19s", shown_at(s->run, "created"));
    buf_puts(out, "  <testsuite");
    put_attribute(out, "name", name);
    buf_printf(out,
               " id=\"%zu\" package=\"lathe.nightly\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
               number, s->tests, s->failures, s->errors, s->skipped);
    put_attribute(out, "timestamp", time);
    put_attribute(out, "hostname", shown_at(s->target, "device"));
    buf_printf(out, " time=\"%.1f\">\n    <properties>\n", number_at(s->target, "device_s"));
    put_property(out, "run", text_at(s->run, "id"));
    put_property(out, "label", text_at(s->run, "label"));
    put_property(out, "space", text_at(s->run, "space"));
    put_property(out, "baseline", text_at(s->target, "baseline_run"));
    buf_puts(out, "    </properties>\n");
    if (s->body.data) buf_put(out, s->body.data, s->body.size);
    buf_puts(out, "  </testsuite>\n");
}

static void put_target(struct suite *s)
{
    buf_init(&s->body);
    if (put_without_figures(s)) return;
    put_check(s, &(struct check){.scope = SCOPE_DEVICE, .name = "device speed"});
    put_groups(s, SCOPE_KIND, "checked.kinds", "kind", "kind");
    put_groups(s, SCOPE_STAGE, "checked.stages", "stage", NULL);
    put_check(s, &(struct check){.scope = SCOPE_ROW, .name = "single layers"});
    put_subnets(s);
}

void nightly_junit(const json_t *run, struct buf *out)
{
    const json_t *targets = json_at(run, "targets");
    struct suite all = {0};
    double time_s = 0;
    struct buf suites;
    buf_init(&suites);
    for (size_t i = 0; i < json_array_size(targets); i++) {
        struct suite s = {.run = run, .target = json_array_get(targets, i)};
        put_target(&s);
        put_suite(&s, i, &suites);
        buf_clear(&s.body);
        all.tests += s.tests;
        all.failures += s.failures;
        all.errors += s.errors;
        time_s += number_at(s.target, "device_s");
    }
    buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    buf_printf(out, "<testsuites name=\"lathe nightly\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.1f\">\n",
               all.tests, all.failures, all.errors, time_s);
    if (suites.data) buf_put(out, suites.data, suites.size);
    buf_puts(out, "</testsuites>\n");
    buf_clear(&suites);
}
