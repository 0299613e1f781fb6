/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "agents/check/check.h"
#include "agents/check/report.h"
#include "lut/base/text.h"

enum { EXIT_USAGE = 2, WAIT_MS = 10000, ONLY_MAX = 64, STARTS_MAX = 2 };

static const char help[] =
    "usage: lathe-agent check-runner [options] -- PROGRAM [ARGUMENT]...\n"
    "\n"
    "Starts a program that speaks the wire protocol on its standard input and output (agents/wire/PROTOCOL.md), "
    "checks\n"
    "that it does as the protocol says and that its networks compute what they must, and prints a line a check.\n"
    "\n"
    "  --runtime NAME   to open (reference)\n"
    "  --dtype NAME     f32 or int8 (f32)\n"
    "  --threads N      1 to 64 (1)\n"
    "  --batch N        images at once, 1 to 64 (1)\n"
    "  --only CHECK     run this check alone; may be given again\n"
    "  --wait-ms N      for an answer; NET_BUILD and RUN have six times that, the first answer ten seconds more "
    "(10000)\n"
    "  --json           one JSON object\n"
    "  --help\n"
    "\n"
    "examples:\n"
    "  lathe-agent check-runner --runtime xnnpack --batch 8 -- lathe-run serve\n"
    "  lathe-agent check-runner --runtime pytorch -- python3 share/lathe/runners/pytorch/lathe_pytorch.py\n"
    "\n"
    "exit codes: 0 all checks passed, 1 some failed, 2 wrong usage, or the program can't be started\n";

struct arguments {
    struct probe_options probe;
    const char *only[ONLY_MAX];
    int only_count;
    bool json;
};

static const struct check *const suites[] = {session_checks, frame_checks,  open_checks, network_checks,
                                             run_checks,     output_checks, end_checks};

/* The check of a suite after the last one, or the first. @param[in,out] suite, index start as 0, 0. */
static const struct check *next_check(size_t *suite, size_t *index)
{
    while (*suite < sizeof suites / sizeof suites[0]) {
        const struct check *check = &suites[*suite][(*index)++];
        if (check->name) return check;
        ++*suite;
        *index = 0;
    }
    return NULL;
}

static bool is_check(const char *name)
{
    size_t suite = 0;
    size_t index = 0;
    const struct check *check;
    while ((check = next_check(&suite, &index)))
        if (strcmp(check->name, name) == 0) return true;
    return false;
}

static bool is_wanted(const struct arguments *a, const char *name)
{
    for (int i = 0; i < a->only_count; i++)
        if (strcmp(a->only[i], name) == 0) return true;
    return a->only_count == 0;
}

static int usage(const char *option, const char *value)
{
    fprintf(stderr, "lathe-agent: --%s can't be \"%.40s\"; see lathe-agent check-runner --help\n", option, value);
    return EXIT_USAGE;
}

static bool read_number(const char *text, int max, int *out)
{
    uint64_t value;
    if (!text_to_u64(text, strlen(text), &value) || value < 1 || value > (uint64_t)max) return false;
    *out = (int)value;
    return true;
}

/* @return whether the value is in range. */
static bool take_option(struct arguments *a, int option, const char *value)
{
    switch (option) {
    case 'r':
        snprintf(a->probe.runtime, sizeof a->probe.runtime, "%s", value);
        return text_is_name(value) && strlen(value) < sizeof a->probe.runtime;
    case 'd':
        return dtype_parse(value, &a->probe.dtype);
    case 't':
        return read_number(value, 64, &a->probe.threads);
    case 'b':
        return read_number(value, 64, &a->probe.batch);
    case 'w':
        return read_number(value, 3600000, &a->probe.wait_ms);
    default:
        if (a->only_count == ONLY_MAX || !is_check(value)) return false;
        a->only[a->only_count++] = value;
        return true;
    }
}

/* @return -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"runtime", required_argument, NULL, 'r'},
        {"dtype", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 't'},
        {"batch", required_argument, NULL, 'b'},
        {"wait-ms", required_argument, NULL, 'w'},
        {"only", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;
    int index = 0;
    while ((option = getopt_long(argc, argv, "+", options, &index)) != -1) {
        if (option == '?') return EXIT_USAGE; /* getopt said why */
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_SUCCESS;
        }
        if (option == 'j') a->json = true;
        else if (!take_option(a, option, optarg)) return usage(options[index].name, optarg);
    }
    if (optind < argc) {
        a->probe.argv = (const char *const *)argv + optind;
        return -1;
    }
    fputs("lathe-agent: name the runner: check-runner [options] -- PROGRAM [ARGUMENT]...\n", stderr);
    return EXIT_USAGE;
}

static void run_check(struct probe *p, const struct check *check, struct verdict *v)
{
    *v = (struct verdict){.paragraph = check->paragraph};
    if (!probe_start(p, v)) return;
    if (check->run) check->run(p, v);
    else outputs_compare_layers(p, v, check->layers);
}

/* Whether the program starts, says hello and opens what is to be checked; without that few checks can pass, and one
 * failure says more than fifty. @return EXIT_SUCCESS to go on, EXIT_USAGE when the program can't be started. */
static int try_open(struct probe *p, struct report *report)
{
    static const struct check open = {.name = "open", .claim = "the runner opens the runtime", .paragraph = "2 OPEN"};
    static const struct check hello = {.name = "hello", .claim = "the runner says hello", .paragraph = "1 HELLO"};
    struct verdict v;
    bool greeted = false;
    for (int i = 0; i < STARTS_MAX && !greeted; i++) {
        v = (struct verdict){.paragraph = hello.paragraph};
        greeted = probe_start(p, &v) && probe_hello(p, &v);
        if (p->runner) continue;
        fprintf(stderr, "lathe-agent: %s\n", v.got);
        return EXIT_USAGE;
    }
    snprintf(report->runner, sizeof report->runner, "%s%s%s", p->hello.runner, p->hello.build[0] ? " " : "",
             p->hello.build);
    if (greeted) v.paragraph = open.paragraph;
    if (greeted && probe_open(p, &v)) return EXIT_SUCCESS;
    report_check(report, greeted ? &open : &hello, &v);
    return EXIT_FAILURE;
}

static void run_all(struct probe *p, const struct arguments *a, struct report *report)
{
    size_t suite = 0;
    size_t index = 0;
    const struct check *check;
    while ((check = next_check(&suite, &index))) {
        struct verdict v;
        if (!is_wanted(a, check->name)) continue;
        run_check(p, check, &v);
        report_check(report, check, &v);
    }
}

int check_runner_command(int argc, char **argv)
{
    struct arguments a = {
        .probe = {.runtime = "reference", .dtype = DTYPE_F32, .threads = 1, .batch = 1, .seed = 7, .wait_ms = WAIT_MS}};
    struct report report;
    struct probe p = {0};
    int status = read_arguments(argc, argv, &a);
    if (status >= 0) return status;
    report_begin(&report, stdout, a.json);
    p.options = a.probe;
    status = try_open(&p, &report);
    if (status == EXIT_SUCCESS) run_all(&p, &a, &report);
    probe_stop(&p);
    if (status == EXIT_USAGE) {
        json_decref(report.json);
        return status;
    }
    report_end(&report, &p.options);
    return report.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
