/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of `lathe nightly` share.
 *
 * A run is the document of GET /v1/runs/{id}: one night on its targets, each a device with a config, and what was
 * found. The reports of it are texts that come from the document alone, the same each time. What others chose, such as
 * labels, names of shipped subnets and messages of devices, is escaped for the format at hand. Threads: one. */
#ifndef LATHE_CLI_NIGHTLY_H
#define LATHE_CLI_NIGHTLY_H

#include "lut/base/buf.h"
#include "server/cli/cli.h"

/* ---- nightly_words.c: what reports say of a part of a run ---- */

/** What a finding is about, in the order of reports. */
enum scope { SCOPE_DEVICE, SCOPE_KIND, SCOPE_STAGE, SCOPE_ROW, SCOPE_SUBNET, SCOPES };

enum { WORDS_BYTES = 512 };

/** @return SCOPE_ROW for a scope that is not known. */
enum scope finding_scope(const json_t *finding);
bool finding_is_slower(const json_t *finding);
/** Whether a finding is of a target of the same run. */
bool finding_is_of(const json_t *finding, const json_t *target);
/** "stage 3", a layer, "the whole device", or the name of a shipped subnet, unescaped. */
void finding_subject(const json_t *finding, char out[WORDS_BYTES]);
/** "takes 5.1% longer", "has drifted, and takes 2.1% less". */
void finding_change(const json_t *finding, char out[WORDS_BYTES]);
/** The change as "+5.1%". */
void finding_percent(const json_t *finding, char out[WORDS_BYTES]);
/** The 95% interval of the change as "+4.6% to +5.6%"; "" when there is none. */
void finding_interval(const json_t *finding, char out[WORDS_BYTES]);
/** "2e-07": the p-value after correction for all that was compared, else the one before; "" when there is none. */
void finding_p(const json_t *finding, char out[WORDS_BYTES]);
/** "once", "twice", "3 times"; "" when it was not confirmed. */
void finding_confirmed(const json_t *finding, char out[WORDS_BYTES]);
/** The first night that had it: "this night", "run-b of 2026-11-24 02:00"; "" when it is not known. */
void finding_since(const json_t *run, const json_t *finding, char out[WORDS_BYTES]);
/** All of that in one sentence without its subject. */
void finding_sentence(const json_t *run, const json_t *finding, char out[WORDS_BYTES]);
/** What became of a shipped subnet's limit: "over its limit of 25 ms", "within ..."; "" when it has none. */
void subnet_limit(const json_t *finding, char out[WORDS_BYTES]);

/** A subnet as JSON in one line, to be given to other commands. malloc'd; NULL for none. */
char *subnet_json(const json_t *subnet);

/** "device/config". */
void target_name(const json_t *target, char out[WORDS_BYTES]);
/** Whether it could not be profiled. */
bool target_failed(const json_t *target);
/** How many findings of a run are of a target. */
size_t target_findings(const json_t *run, const json_t *target);

/** What a run comes to, in one sentence without its id: "nothing changed: 2 devices, 960 rows compared, ...". */
void run_summary(const json_t *run, char out[WORDS_BYTES]);
/** Milliseconds without the unit: to 1 us, below 1 ms to four digits; "-" for what is no number. */
void ms_print(const json_t *value, char out[32]);
/** "2026-11-24 02:00" of a time as the server tells it. */
void minute_print(const char *time, char out[32]);
/** Append a text without what would move a terminal's cursor. */
void buf_shown(struct buf *, const char *text);

/* ---- the reports ---- */

/** For a terminal or a log: one line for a night on which nothing changed. */
void nightly_text(const json_t *run, struct buf *out);
/** GitHub-flavoured Markdown, for a job's summary or a comment: well below GitHub's megabyte. */
void nightly_markdown(const json_t *run, struct buf *out);
/** JUnit XML as Jenkins, GitLab and actions for GitHub read it: a suite a target, a case for the device's speed, each
 *  kind of layer, each stage, and each shipped subnet; what became slower has failed. */
void nightly_junit(const json_t *run, struct buf *out);

/* ---- nightly_output.c ---- */

/** --junit, --markdown and --json, each with a FILE ("-" for standard output). */
extern const struct option_spec nightly_report_options[];
/** Look before a long night whether the files can be written, and set what --json means here. @return false after
 *  saying why not: exit with EXIT_BAD_USAGE. */
bool nightly_check_outputs(struct cli *);
/** Write what was asked for; the text to standard output unless another report goes there. @return EXIT_FAILED after
 *  saying that a file could not be written. */
enum exit_code nightly_output(const struct cli *, const json_t *run);

/* ---- nightly_wait.c ---- */

/** Wait until a run has ended, showing on stderr how far each of its devices is.
 *  @param patience_s go on trying so long while the server is away.
 *  @param cancel when interrupted, cancel the run, which else goes on. @param[in,out] run replaced as it changes.
 *  @return EXIT_DONE when it has ended; otherwise why not has been printed. */
enum exit_code nightly_wait(const struct cli *, int patience_s, bool cancel, json_t **run);
/** What a run that has ended is to exit with. */
enum exit_code nightly_exit_code(const json_t *run);

#endif
