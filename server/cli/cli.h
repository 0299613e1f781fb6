/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The `lathe` command: what its verbs share.
 *
 * A verb is a const struct verb in the file of its noun, listed in main.c. It reads its options into a context, calls
 * the server, and prints: for people a table or a few lines, with --json the server's answer as one document. Threads:
 * one. */
#ifndef LATHE_CLI_CLI_H
#define LATHE_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lut/base/error.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_BAD_USAGE = 2,
    EXIT_ABSENT = 3,
    EXIT_NOT_MET = 4,
    EXIT_SLOWER = 5,     /* a night's confirmed regression */
    EXIT_INCOMPLETE = 6, /* a night without one of its devices */
    EXIT_SIGNAL = 128    /* plus the number of the signal that ended it, as shells count */
};

enum { CLI_MAX_ARGUMENTS = 64, CLI_MAX_OPTIONS = 32 };

/* ---- options.c ---- */

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_TEXTS, /* may be given again: all count */
    OPTION_NUMBER,
    OPTION_NUMBERS,  /* 25 or 25,30.5 */
    OPTION_FRACTION, /* 0.8 or 80% */
    OPTION_SECONDS,  /* 90, 90s, 5m, 2h */
    OPTION_INTEGER,
    OPTION_INTEGERS /* 160,224 */
};
enum { OPTION_TIMES_MOST = 16 };

struct option_spec {
    const char *name; /* without the dashes */
    enum option_kind kind;
    const char *value; /* how the value is called in help, e.g. "MS"; NULL for flags */
    const char *help;
};

struct option_value {
    bool given;
    const char *text; /* borrowed from the command line; the last one given */
    const char *texts[OPTION_TIMES_MOST];
    int times; /* how many texts */
    double number;
    long long integer;
};

struct cli;

struct verb {
    const char *noun, *name; /* name NULL: the noun is the whole verb ("lathe subnet") */
    const char *arguments;   /* "DEVICE/CONFIG FILE..." */
    int least, most;         /* number of arguments */
    const char *summary;
    const char *examples;              /* lines, each indented by two */
    const struct option_spec *options; /* ended by one without name; NULL: none */
    const struct option_spec *shared;  /* the same: those that it has in common with other verbs */
    enum exit_code (*run)(struct cli *);
};

struct cli {
    const struct verb *verb;
    const char *arguments[CLI_MAX_ARGUMENTS];
    int argument_count;
    struct option_value values[CLI_MAX_OPTIONS]; /* of verb->options, of verb->shared, then of the common ones */
    const char *server, *token_file, *ca_file;
    bool json, yes;
    /* Of the calls at hand, set by verbs. */
    const char *about;    /* what they are about, e.g. a file: stands before their errors; NULL: nothing */
    int patience_s;       /* go on trying so long while the server is away; for calls that may repeat */
    const char *creation; /* an Idempotency-Key, so that a call that creates may repeat; NULL: none */
    bool problems_apart;  /* problems go to stderr alone: with --json, stdout is for a document that comes later */
};

/** How many words at argv are common options and their values, as in "lathe --server URL device list".
 *  @return -1 after printing one line to stderr: exit with EXIT_BAD_USAGE. */
int cli_count_leading(int argc, char **argv);
/** Parse what follows the verb. @return false after printing one line to stderr: exit with EXIT_BAD_USAGE. */
bool cli_parse(struct cli *, int argc, char **argv);
/** The value of one of the verb's options, given or not. */
const struct option_value *cli_option(const struct cli *, const char *name);
/** Whether an option that the verb can't do without is given; says so when not: exit with EXIT_BAD_USAGE. */
bool cli_require(const struct cli *, const char *name);
/** Put an option's value into a request's field: one of OPTION_NUMBERS as a number, several as a list. Does nothing
 * when it is not given. */
void cli_put(const struct cli *, json_t *body, const char *field, const char *name);
void cli_help(const struct verb *);
/** Print "lathe: ..." and how to get help. @return EXIT_BAD_USAGE. */
enum exit_code cli_misuse(const struct verb *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Ask before loss. With --yes true at once; without a terminal false after saying that --yes is needed. */
bool cli_confirm(const struct cli *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- tables.c ---- */

/** Print a table's trust as the server tells it: one line, and another where there is doubt. */
void print_trust(const json_t *trust);

/* ---- client.c ---- */

struct answer {
    int status;
    char *body; /* NUL-terminated; owned */
    size_t size;
    json_t *json; /* when the body is JSON; owned */
    long skipped; /* rows that an export's format has no words for */
};
void answer_clear(struct answer *);

/** Call the server and wait. On an answer below 300 EXIT_DONE. While cli->patience_s lasts, a server that can't be
 *  reached, or a proxy that says so (502 to 504), is asked again, at longer and longer intervals. Otherwise one line
 * has been printed to stderr (with
 * --json the problem to stdout too), *out is empty and the code says what to exit with.
 *  @param body NULL: none. @param type,accept media types; NULL: application/json. */
enum exit_code call(const struct cli *, const char *method, const char *path, const void *body, size_t size,
                    const char *type, const char *accept, struct answer *out);
/** The same for a JSON body, which it takes; NULL: none. */
enum exit_code call_json(const struct cli *, const char *method, const char *path, json_t *take_body,
                         struct answer *out);
/** GET a path, and write what is answered to a file. @param accept its media type. */
enum exit_code call_to_file(const struct cli *, const char *path, const char *accept, FILE *);
/** The folder that lathed uses on this machine unless it is told another one. */
void data_folder(char *out, size_t size);
/** All pages of a list. @param[out] items new array. */
enum exit_code call_list(const struct cli *, const char *path, json_t **items);
/** All pages of a list, as the first page's document with the items of all.
 *  @param[out] document new reference; its "next" is null. */
enum exit_code call_pages(const struct cli *, const char *path, json_t **document);

/* ---- paths.c ---- */

enum { PATH_BYTES = 4096 };
/** Print a path, percent-encoding what stands for each %s (there are no other conversions).
 *  @return false after saying that it is too long: exit with EXIT_FAILED. */
bool path_print(char out[PATH_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Append a query parameter. @param value NULL: does nothing. @return as path_print(). */
bool path_query(char path[PATH_BYTES], const char *name, const char *value);

/* ---- files.c ---- */

/** Print an error of reading a file or the like. @return EXIT_FAILED, or EXIT_ABSENT for LATHE_NOT_FOUND. */
enum exit_code complain(const struct lathe_error *);
/** Read a file of JSON; what is wrong with it is printed and names the file. @param[out] out new reference. */
enum exit_code read_json_file(const char *file, size_t max_bytes, json_t **out);

/* ---- print.c: documents ---- */

/** Print a document to stdout, indented, and a newline. */
void print_json(const json_t *);
/** A field by dotted path; NULL when absent or null. */
const json_t *json_at(const json_t *, const char *path);
const char *text_at(const json_t *, const char *path);
/** The same, "-" when absent. */
const char *shown_at(const json_t *, const char *path);
double number_at(const json_t *, const char *path);
/** A value as people read it: lists as "a,b", "-" for NULL; control characters are replaced, the rest is cut. */
void value_print(const json_t *value, char *out, size_t size);
/** A verb's answer about one thing: with --json the document, else name: value lines. */
void print_thing(const struct cli *, const json_t *);
/** Call, and print the answer as print_thing() does. Takes the body; NULL: none. */
enum exit_code call_and_print(const struct cli *, const char *method, const char *path, json_t *take_body);
/** Delete, and say so unless with --json. @param thing e.g. "device". */
enum exit_code call_delete(const struct cli *, const char *path, const char *thing, const char *name);

/** What latencies under a fingerprint are in: "ms", or "M instr." where its clock counts instructions, of which the
 *  fields called ms hold millions. @param fingerprint NULL: ms. */
const char *unit_of(const json_t *fingerprint);
/** Say, once below what was printed, that this is no time, unless it is. */
void print_unit_note(const char *unit);

/* ---- table_print.c: rows ---- */

enum { CELL_TEXT = -1, CELL_SHORT = -2 };

struct column {
    const char *heading, *field; /* dotted path into a row */
    int decimals; /* of numbers, which stand to the right; CELL_SHORT: three digits; CELL_TEXT: no number */
};
/** Print rows as a table whose columns are as wide as they need; on a terminal, texts are cut so that lines fit. "-"
 *  for what is absent. @param columns ended by one without heading. */
void print_table(const struct column *columns, const json_t *rows);
/** A list verb's output: with --json {"items":[..]}, else the table, or a hint when it is empty. */
enum exit_code list_and_print(const struct cli *, const char *path, const struct column *, const char *when_empty);
/** Columns of the terminal that a stream is; 0: it is none. */
size_t terminal_width(FILE *);

/* ---- waiting.c ---- */

/** Catch SIGINT, and SIGTERM where asked for, until waiting_end(); one that the process was started to ignore, as a
 *  shell's background jobs are, stays ignored. Not nested. */
void waiting_begin(bool and_term);
void waiting_end(void);
/** The signal that came since waiting_begin(); 0: none. */
int waiting_interrupted(void);
/** Wait; ends early when interrupted. */
void waiting_pause(long ms);
/** "47 s", "3 min 20 s" or "2 h 05 min". */
void duration_print(double seconds, char *out, size_t size);

/* ---- progress.c ---- */

/** Wait until a job ends, showing on stderr how far it is: a bar on a terminal, a line now and then elsewhere (not with
 * --json). It outlives a restart of the server. SIGINT ends the waiting, not the job.
 *  @param kind "profile" or "measurement". @param[in,out] job its document, replaced as it changes.
 *  @return EXIT_DONE when the job is done; otherwise why not has been printed. */
enum exit_code wait_for_job(const struct cli *, const char *kind, json_t **job);

/* ---- asks.c: what questions to the search have in common ---- */

enum { ASK_TABLES_MOST = 8 };
/** Tables, limits, fixed choices, predictor, resolutions, seed and budget. */
extern const struct option_spec ask_options[];
/** A request of ask_options[] and the verb's arguments, which are tables. @return NULL after saying what is wrong: exit
 *  with EXIT_BAD_USAGE. */
json_t *ask_request(const struct cli *);
/** Whether a request has a limit. */
bool ask_has_limit(const json_t *request);

/* ---- explain.c ---- */

/** Print why an answer of POST /v1/subnets is what it is. */
void print_explanation(const json_t *answer);

/* ---- measurements.c ---- */

/** Have POST /v1/measurements measure and wait. @param take_body the request. @param[out] measurement new reference. */
enum exit_code measure(const struct cli *, json_t *take_body, json_t **measurement);
/** Have a subnet measured and wait. @param[out] measurement new reference. */
enum exit_code measure_subnet(const struct cli *, const char *device, const char *config, const json_t *subnet,
                              json_t **measurement);

#endif
