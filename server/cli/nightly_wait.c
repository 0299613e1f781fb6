/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Waiting for a night, with a line a device: drawn over and over on a terminal, else told when it changes. */
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/cli/nightly.h"

enum { POLL_FIRST_MS = 250, POLL_MOST_MS = 2000, LINE_EVERY_S = 60, LINES_MOST = 16, LINE_BYTES = 320 };

struct night {
    const struct cli *cli;
    size_t drawn;  /* lines on the terminal that are drawn over next time */
    char **states; /* of each target, as last told */
    size_t count;
    uint64_t last_line_ns;
};

static bool has_ended(const json_t *run)
{
    const char *state = shown_at(run, "state");
    return strcmp(state, "done") == 0 || strcmp(state, "cancelled") == 0;
}

static bool target_ended(const json_t *target)
{
    const char *state = shown_at(target, "state");
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0;
}

/* What is known of a target that is under way. */
static void put_figures(const json_t *target, struct buf *line)
{
    char left[48];
    double rows = number_at(target, "rows_total");
    double eta_s = number_at(target, "eta_s");
    bool measuring = strcmp(shown_at(target, "state"), "measuring") == 0;
    if (strcmp(shown_at(target, "state"), "waiting") == 0) return;
    if (measuring && rows > 0) buf_printf(line, " %.0f of %.0f rows", number_at(target, "rows_measured"), rows);
    buf_printf(line, ", %.0f%%", 100 * number_at(target, "progress"));
    duration_print(eta_s, left, sizeof left);
    if (eta_s >= 1) buf_printf(line, ", %s left", left);
}

/* "pi4/xnnpack-f32-t1-b1: measuring 120 of 480 rows, 43%, 4 min 10 s left" */
static void line_print(const json_t *target, char out[LINE_BYTES])
{
    char name[WORDS_BYTES];
    struct buf line;
    buf_init(&line);
    target_name(target, name);
    buf_shown(&line, name);
    buf_puts(&line, ": ");
    buf_shown(&line, shown_at(target, "state"));
    if (target_failed(target)) {
        buf_puts(&line, ": ");
        buf_shown(&line, shown_at(target, "error"));
    } else if (!target_ended(target)) {
        put_figures(target, &line);
    }
    snprintf(out, LINE_BYTES, "%s", line.data ? line.data : "");
    buf_clear(&line);
}

/* ---- on a terminal ---- */

static void draw(struct night *n, const json_t *targets, size_t width)
{
    char line[LINE_BYTES];
    size_t shown = 0;
    if (n->drawn) fprintf(stderr, "\033[%zuA", n->drawn);
    /* The ones under way first, where there is no room for all. */
    for (int ended = 0; ended < 2; ended++) {
        for (size_t i = 0; i < json_array_size(targets) && shown < LINES_MOST; i++) {
            const json_t *target = json_array_get(targets, i);
            if (target_ended(target) != (ended == 1)) continue;
            line_print(target, line);
            fprintf(stderr, "\r%.*s\033[K\n", (int)width - 1, line);
            shown++;
        }
    }
    fputs("\033[J", stderr);
    n->drawn = shown;
}

/* ---- elsewhere ---- */

/* Whether a target's state is another than the one last told; notes it. */
static bool is_news(struct night *n, size_t i, const char *state)
{
    if (i >= n->count) return false;
    bool news = !n->states[i] || strcmp(n->states[i], state) != 0;
    if (!news) return false;
    free(n->states[i]);
    n->states[i] = strdup(state);
    return true;
}

static void tell(struct night *n, const json_t *targets)
{
    char line[LINE_BYTES];
    double since_s = (double)(clock_now_ns() - n->last_line_ns) / 1e9;
    bool due = since_s >= LINE_EVERY_S;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const json_t *target = json_array_get(targets, i);
        bool news = is_news(n, i, shown_at(target, "state"));
        if (!news && (!due || target_ended(target))) continue;
        line_print(target, line);
        fprintf(stderr, "%s\n", line);
    }
    if (due) n->last_line_ns = clock_now_ns();
}

static void show(struct night *n, const json_t *run)
{
    size_t width = terminal_width(stderr);
    if (width) draw(n, json_at(run, "targets"), width);
    else if (!n->cli->json) tell(n, json_at(run, "targets"));
    fflush(stderr);
}

/* ---- waiting ---- */

static enum exit_code refresh(const struct cli *cli, json_t **run)
{
    char path[PATH_BYTES];
    struct answer a;
    if (!path_print(path, "/v1/runs/%s", shown_at(*run, "id"))) return EXIT_FAILED;
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    json_decref(*run);
    *run = json_incref(a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static void cancel_run(const struct cli *cli, const char *id)
{
    char path[PATH_BYTES];
    struct answer a;
    if (!path_print(path, "/v1/runs/%s", id) || call_json(cli, "DELETE", path, NULL, &a)) return;
    answer_clear(&a);
    fprintf(stderr, "lathe: cancelled run %s\n", id);
}

static enum exit_code end_early(const struct cli *cli, bool cancel, const char *id)
{
    struct cli once = *cli;
    once.patience_s = 0;
    if (cancel) cancel_run(&once, id);
    else
        fprintf(stderr,
                "lathe: run %s goes on without you: lathe nightly show %s --wait waits for it again, lathe nightly "
                "cancel %s ends it\n",
                id, id, id);
    return (enum exit_code)(EXIT_SIGNAL + waiting_interrupted());
}

static enum exit_code wait_on(struct night *n, const struct cli *patient, json_t **run)
{
    enum exit_code code = EXIT_DONE;
    show(n, *run);
    for (long ms = POLL_FIRST_MS; !code && !has_ended(*run) && !waiting_interrupted();) {
        waiting_pause(ms);
        if (waiting_interrupted()) break;
        code = refresh(patient, run);
        if (!code) show(n, *run);
        ms = ms * 5 / 4 < POLL_MOST_MS ? ms * 5 / 4 : POLL_MOST_MS;
    }
    return code;
}

enum exit_code nightly_wait(const struct cli *cli, int patience_s, bool cancel, json_t **run)
{
    struct cli patient = *cli;
    struct night n = {.cli = cli, .count = json_array_size(json_at(*run, "targets")), .last_line_ns = clock_now_ns()};
    patient.patience_s = patience_s;
    patient.problems_apart = true;
    n.states = calloc(n.count + 1, sizeof *n.states);
    if (!n.states) n.count = 0;
    waiting_begin(true);
    enum exit_code code = wait_on(&n, &patient, run);
    waiting_end();
    for (size_t i = 0; i < n.count; i++) free(n.states[i]);
    free(n.states);
    if (waiting_interrupted() && !has_ended(*run)) return end_early(cli, cancel, shown_at(*run, "id"));
    if (code)
        fprintf(stderr, "lathe: run %s may go on: lathe nightly show %s --wait\n", shown_at(*run, "id"),
                shown_at(*run, "id"));
    return code;
}

enum exit_code nightly_exit_code(const json_t *run)
{
    const json_t *code = json_at(run, "exit_code");
    if (json_is_integer(code)) return (enum exit_code)json_integer_value(code);
    fprintf(stderr, "lathe: run %s was %s\n", shown_at(run, "id"), shown_at(run, "state"));
    return EXIT_FAILED;
}
