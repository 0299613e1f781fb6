/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Waiting for jobs, and showing how far they are. */
#include <string.h>

#include "lut/base/clock.h"
#include "server/cli/cli.h"

enum {
    POLL_MS = 250,
    LINE_EVERY_S = 5,
    OFFLINE_AFTER_S = 3,
    PATIENCE_S = 60,
    BAR_MOST = 40,
    BAR_LEAST = 5,
    FIGURES = 160
};
#define SECOND_NS 1000000000ull

struct progress {
    uint64_t start_ns, last_line_ns;
    double first_done; /* visits that were done already when waiting began */
    bool shown, warned;
};

static double seconds_since(uint64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / (double)SECOND_NS;
}

static void print_figures(const struct progress *p, const json_t *job, char out[FIGURES])
{
    char elapsed[32];
    char left[32] = "";
    double elapsed_s = seconds_since(p->start_ns);
    double done = number_at(job, "visits_done");
    double total = number_at(job, "visits_total");
    duration_print(elapsed_s, elapsed, sizeof elapsed);
    /* The server knows which networks are still to be built and which rounds are likely to follow. */
    if (json_is_number(json_at(job, "eta_s"))) {
        if (done < total) duration_print(number_at(job, "eta_s"), left, sizeof left);
    } else if (done > p->first_done && done < total)
        duration_print(elapsed_s * (total - done) / (done - p->first_done), left, sizeof left);
    snprintf(out, FIGURES, "%.0f of %.0f rows, %.0f of %.0f visits, %s%s%s%s", number_at(job, "rows_done"),
             number_at(job, "rows_total"), done, total, elapsed, left[0] ? ", " : "", left, left[0] ? " left" : "");
}

static void draw_bar(double fraction, const char *figures, size_t terminal)
{
    size_t used = strlen(figures) + 4;
    size_t cells = terminal > used ? terminal - used : 0;
    if (cells > BAR_MOST) cells = BAR_MOST;
    fputc('\r', stderr);
    if (cells >= BAR_LEAST) {
        fputc('[', stderr);
        for (size_t i = 0; i < cells; i++) fputc((double)i < fraction * (double)cells ? '#' : '.', stderr);
        fputs("] ", stderr);
    }
    fprintf(stderr, "%.*s\033[K", terminal > 1 ? (int)terminal - 1 : 1, figures);
}

/* @param ended the last time: always printed, and the bar's line is left. */
static void show(struct progress *p, const json_t *job, bool ended)
{
    char figures[FIGURES];
    size_t terminal = terminal_width(stderr);
    double total = number_at(job, "visits_total");
    bool due = ended || !p->last_line_ns || seconds_since(p->last_line_ns) >= LINE_EVERY_S;
    if (!p->shown || (!terminal && !due)) return;
    p->last_line_ns = clock_now_ns();
    print_figures(p, job, figures);
    double fraction = total > 0 ? number_at(job, "visits_done") / total : 0;
    if (json_is_number(json_at(job, "progress"))) fraction = number_at(job, "progress");
    if (terminal) draw_bar(fraction, figures, terminal);
    else fprintf(stderr, "%s\n", figures);
    if (terminal && ended) fputc('\n', stderr);
    fflush(stderr);
}

static bool has_ended(const json_t *job)
{
    const char *state = shown_at(job, "state");
    return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

static enum exit_code refresh(const struct cli *cli, const char *kind, json_t **job)
{
    char path[PATH_BYTES];
    struct answer a;
    if (!path_print(path, "/v1/%ss/%s", kind, shown_at(*job, "id"))) return EXIT_FAILED;
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    json_decref(*job);
    *job = json_incref(a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

/* Nobody works on a job whose device has no agent: say so once, and go on waiting. */
static void warn_when_offline(const struct cli *cli, struct progress *p, const json_t *job)
{
    char path[PATH_BYTES];
    struct answer a;
    if (p->warned || strcmp(shown_at(job, "state"), "queued") != 0) return;
    if (seconds_since(p->start_ns) < OFFLINE_AFTER_S) return;
    p->warned = true;
    if (!path_print(path, "/v1/devices/%s", shown_at(job, "device"))) return;
    if (call_json(cli, "GET", path, NULL, &a)) return;
    if (strcmp(shown_at(a.json, "state"), "offline") == 0)
        fprintf(stderr, "lathe: no agent serves device %s at the moment: start lathe-agent; waiting\n",
                shown_at(job, "device"));
    answer_clear(&a);
}

static enum exit_code report_end(const char *kind, const json_t *job)
{
    const char *error = text_at(job, "error");
    const char *id = shown_at(job, "id");
    if (strcmp(shown_at(job, "state"), "done") == 0) return EXIT_DONE;
    if (waiting_interrupted() && !has_ended(job)) fprintf(stderr, "lathe: %s %s goes on without you", kind, id);
    else fprintf(stderr, "lathe: %s %s %s", kind, id, shown_at(job, "state"));
    fprintf(stderr, "%s%s\n", error ? ": " : "", error ? error : "");
    return EXIT_FAILED;
}

enum exit_code wait_for_job(const struct cli *cli, const char *kind, json_t **job)
{
    struct progress p = {.start_ns = clock_now_ns(), .first_done = number_at(*job, "visits_done")};
    struct cli patient = *cli;
    enum exit_code code = EXIT_DONE;
    patient.patience_s = PATIENCE_S;
    p.shown = json_at(*job, "rows_total") && (terminal_width(stderr) || !cli->json);
    waiting_begin(false);
    while (!code && !has_ended(*job) && !waiting_interrupted()) {
        show(&p, *job, false);
        waiting_pause(POLL_MS);
        if (waiting_interrupted()) break;
        code = refresh(&patient, kind, job);
        if (!code) warn_when_offline(cli, &p, *job);
    }
    if (p.last_line_ns) show(&p, *job, true);
    waiting_end();
    if (code && !waiting_interrupted()) return code;
    return report_end(kind, *job);
}
