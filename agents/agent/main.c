/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe-agent: runs networks on the devices beside it for a Lathe server. */
#include <curl/curl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/agent/worker.h"
#include "agents/check/check.h"
#include "lut/base/file.h"
#include "lut/base/log.h"
#include "lut/base/text.h"

enum { EXIT_USAGE = 2, TOKEN_FILE_BYTES = 4096, PATH_BYTES = 4096 };

static atomic_int stop;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stop, 1);
}

static void print_help(void)
{
    fputs("usage: lathe-agent --server URL --name NAME --token-file FILE [options]\n"
          "\n"
          "Asks a Lathe server for work and runs networks on the devices beside it.\n"
          "\n"
          "  --server URL       of the server, e.g. http://127.0.0.1:8420 (or LATHE_SERVER)\n"
          "  --name NAME        of this agent; its token must be for this name\n"
          "  --token-file FILE  that holds the agent's token (or LATHE_TOKEN_FILE)\n"
          "  --ca-file FILE     certificates to trust for https, PEM; default: the system's\n"
          "  --runner PATH      of lathe-run; default: beside this program\n"
          "  --log-level LEVEL  error, warn, info or debug; default: info\n"
          "  --once             work until nothing is left to do, then end\n"
          "  --help, --version\n"
          "\n"
          "lathe-agent check-runner [options] -- PROGRAM ... checks a runner of your own: see check-runner --help\n",
          stdout);
}

struct arguments {
    const char *server, *name, *token_file, *ca_file, *runner;
    bool once;
};

/* @return -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},
        {"token-file", required_argument, NULL, 't'},
        {"ca-file", required_argument, NULL, 'c'},
        {"runner", required_argument, NULL, 'r'},
        {"log-level", required_argument, NULL, 'l'},
        {"once", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    enum log_level level = LOG_INFO;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            a->server = optarg;
            break;
        case 'n':
            a->name = optarg;
            break;
        case 't':
            a->token_file = optarg;
            break;
        case 'c':
            a->ca_file = optarg;
            break;
        case 'r':
            a->runner = optarg;
            break;
        case 'o':
            a->once = true;
            break;
        case 'h':
            print_help();
            return EXIT_SUCCESS;
        case 'v':
            puts("lathe-agent " LATHE_VERSION);
            return EXIT_SUCCESS;
        case 'l':
            if (!log_level_parse(optarg, &level)) break;
            fprintf(stderr, "lathe-agent: --log-level must be error, warn, info or debug\n");
            return EXIT_USAGE;
        default:
            fputs("try lathe-agent --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "lathe-agent: unexpected argument \"%s\"; try lathe-agent --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    log_set_level(level);
    return -1;
}

static int check_arguments(const struct arguments *a)
{
    const char *wrong = NULL;
    if (!a->server) wrong = "name the server: --server URL, or LATHE_SERVER";
    else if (strncmp(a->server, "http://", 7) != 0 && strncmp(a->server, "https://", 8) != 0)
        wrong = "--server must begin with http:// or https://";
    else if (!a->name || !text_is_name(a->name))
        wrong = "name this agent: --name NAME, of letters, digits, '.', '_' and '-'";
    else if (!a->token_file) wrong = "name the file with the agent's token: --token-file FILE, or LATHE_TOKEN_FILE";
    if (!wrong) return -1;
    fprintf(stderr, "lathe-agent: %s\n", wrong);
    return EXIT_USAGE;
}

/* The file's first line. @param[out] token malloc'd. */
static enum lathe_status read_token(const char *path, char **token, struct lathe_error *err)
{
    char *text = NULL;
    size_t size = 0;
    enum lathe_status st = file_read(path, TOKEN_FILE_BYTES, &text, &size, err);
    if (st) return st;
    text[strcspn(text, " \t\r\n")] = '\0';
    if (!text[0] || strlen(text) > 128) {
        free(text);
        return error_set(err, LATHE_INVALID, "%s holds no token", path);
    }
    *token = text;
    return LATHE_OK;
}

/* lathe-run beside this program. */
static void find_runner(char out[PATH_BYTES])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_BYTES - 16);
    out[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(out, '/');
    snprintf(slash ? slash + 1 : out, 16, "lathe-run");
}

/* No SA_RESTART, so that a poll that waits is interrupted at once. */
static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(const struct arguments *a)
{
    char beside[PATH_BYTES];
    char server[1024];
    char *token = NULL;
    struct lathe_error err = {0};
    if (read_token(a->token_file, &token, &err)) {
        log_event(LOG_ERROR, "failed to read the token: %s", err.message);
        return EXIT_FAILURE;
    }
    find_runner(beside);
    snprintf(server, sizeof server, "%s", a->server);
    for (size_t n = strlen(server); n > 0 && server[n - 1] == '/'; n--) server[n - 1] = '\0';
    struct worker_options options = {.server = server,
                                     .token = token,
                                     .ca_file = a->ca_file,
                                     .name = a->name,
                                     .runner = a->runner ? a->runner : beside,
                                     .once = a->once,
                                     .stop = &stop};
    log_event(LOG_INFO, "agent %s works for %s", a->name, server);
    enum lathe_status st = worker_run(&options, &err);
    if (st) log_event(LOG_ERROR, "failed to work: %s", err.message);
    else log_event(LOG_INFO, "agent %s ends", a->name);
    free(token);
    return st ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "check-runner") == 0) return check_runner_command(argc - 1, argv + 1);
    struct arguments a = {.server = getenv("LATHE_SERVER"), .token_file = getenv("LATHE_TOKEN_FILE")};
    int status = read_arguments(argc, argv, &a);
    if (status < 0) status = check_arguments(&a);
    if (status >= 0) return status;
    handle_signals();
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        fputs("lathe-agent: can't start libcurl\n", stderr);
        return EXIT_FAILURE;
    }
    status = run(&a);
    curl_global_cleanup();
    return status;
}
