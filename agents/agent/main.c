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

#include "agents/agent/crew.h"
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
          "       lathe-agent --config FILE [options]\n"
          "\n"
          "Asks a Lathe server for work and runs networks on the devices beside it, several at once.\n"
          "\n"
          "  --server URL       of the server, e.g. http://127.0.0.1:8420 (or LATHE_SERVER)\n"
          "  --name NAME        of this agent; its token must be for this name\n"
          "  --token-file FILE  that holds the agent's token (or LATHE_TOKEN_FILE)\n"
          "  --ca-file FILE     certificates to trust for https, PEM; default: the system's\n"
          "  --runner PATH      of lathe-run, for local devices; default: beside this program\n"
          "  --bundles DIR      runners that are copied to ssh devices, a folder for each architecture;\n"
          "                     default: ../share/lathe/runner beside this program's folder\n"
          "  --ssh-config FILE  for ssh -F; default: ssh's own configuration\n"
          "  --jobs N           devices that work at once, 1 to 64; default: 8\n"
          "  --config FILE      all of these, and more, as JSON; options and variables go before it\n"
          "  --log-level LEVEL  error, warn, info or debug; default: info\n"
          "  --once             work until nothing is left to do, then end\n"
          "  --help, --version\n"
          "\n"
          "A configuration, with all that it may have:\n"
          "  {\"server\": \"http://lab:8420\", \"name\": \"lab\", \"token_file\": \"/etc/lathe/lab.token\",\n"
          "   \"ca_file\": \"/etc/lathe/ca.pem\", \"ssh_config\": \"/etc/lathe/ssh_config\", \"jobs\": 4,\n"
          "   \"runner\": \"/usr/bin/lathe-run\", \"bundles\": \"/usr/share/lathe/runner\",\n"
          "   \"devices\": {\"pi4\": {\"cpus\": \"2-3\"},\n"
          "               \"jetson\": {\"runner\": [\"/opt/trt/runner\", \"--fp16\"]}},\n"
          "   \"runtimes\": {\"tensorrt\": [\"/opt/trt/runner\"]}}\n"
          "\"cpus\" limits a device to processors. \"runner\" is a program of the device that speaks the wire protocol "
          "on\n"
          "standard input and output; \"runtimes\" names one for configs such as tensorrt-f32-t1-b1, on any device.\n"
          "\n"
          "lathe-agent check-runner [options] -- PROGRAM ... checks a runner of your own: see check-runner --help\n",
          stdout);
}

struct arguments {
    const char *config;
    struct agent_config given; /* by options and variables; NULL and 0: not given */
    bool once;
};

static bool read_jobs(const char *text, int *out)
{
    uint64_t number;
    if (!text_to_u64(text, strlen(text), &number) || number < 1 || number > JOBS_MAX) return false;
    *out = (int)number;
    return true;
}

/* @return -1 to go on, else the exit status. */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},
        {"token-file", required_argument, NULL, 't'},
        {"ca-file", required_argument, NULL, 'c'},
        {"runner", required_argument, NULL, 'r'},
        {"bundles", required_argument, NULL, 'b'},
        {"ssh-config", required_argument, NULL, 'F'},
        {"jobs", required_argument, NULL, 'j'},
        {"config", required_argument, NULL, 'f'},
        {"log-level", required_argument, NULL, 'l'},
        {"once", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    const struct {
        int option;
        const char **value;
    } texts[] = {{'s', &a->given.server},     {'n', &a->given.name},   {'t', &a->given.token_file},
                 {'c', &a->given.ca_file},    {'r', &a->given.runner}, {'b', &a->given.bundles},
                 {'F', &a->given.ssh_config}, {'f', &a->config}};
    enum log_level level = LOG_INFO;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            if (texts[i].option == option) *texts[i].value = optarg;
        if (option == 'o') a->once = true;
        if (option == 'h') {
            print_help();
            return EXIT_SUCCESS;
        }
        if (option == 'v') {
            puts("lathe-agent " LATHE_VERSION);
            return EXIT_SUCCESS;
        }
        if (option == 'l' && log_level_parse(optarg, &level)) {
            fprintf(stderr, "lathe-agent: --log-level must be error, warn, info or debug\n");
            return EXIT_USAGE;
        }
        if (option == 'j' && !read_jobs(optarg, &a->given.jobs)) {
            fprintf(stderr, "lathe-agent: --jobs must be a number from 1 to %d\n", JOBS_MAX);
            return EXIT_USAGE;
        }
        if (option == '?') {
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

/* What was given goes before what the file says. */
static void override(struct agent_config *config, const struct agent_config *given)
{
    const struct {
        const char **value;
        const char *given;
    } texts[] = {{&config->server, given->server},         {&config->name, given->name},
                 {&config->token_file, given->token_file}, {&config->ca_file, given->ca_file},
                 {&config->runner, given->runner},         {&config->bundles, given->bundles},
                 {&config->ssh_config, given->ssh_config}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].given) *texts[i].value = texts[i].given;
    if (given->jobs) config->jobs = given->jobs;
    if (!config->jobs) config->jobs = JOBS_DEFAULT;
}

static int check_config(const struct agent_config *a)
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

/* A path beside this program, such as "/lathe-run". */
static void find_beside(const char *relative, char out[PATH_BYTES])
{
    char program[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash) *slash = '\0';
    snprintf(out, PATH_BYTES, "%.*s%s", PATH_BYTES - 64, program, relative);
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

static int run(struct agent_config *config, bool once)
{
    char runner[PATH_BYTES];
    char bundles[PATH_BYTES];
    char server[1024];
    char *token = NULL;
    struct lathe_error err = {0};
    if (read_token(config->token_file, &token, &err)) {
        log_event(LOG_ERROR, "failed to read the token: %s", err.message);
        return EXIT_FAILURE;
    }
    find_beside("/lathe-run", runner);
    find_beside("/../share/lathe/runner", bundles);
    if (!config->runner) config->runner = runner;
    if (!config->bundles) config->bundles = bundles;
    snprintf(server, sizeof server, "%s", config->server);
    for (size_t n = strlen(server); n > 0 && server[n - 1] == '/'; n--) server[n - 1] = '\0';
    const struct crew_options options = {
        .worker = {.api = {.server = server, .token = token, .ca_file = config->ca_file},
                   .config = config,
                   .stop = &stop},
        .once = once,
    };
    log_event(LOG_INFO, "agent %s works for %s", config->name, server);
    enum lathe_status st = crew_run(&options, &err);
    if (st) log_event(LOG_ERROR, "failed to work: %s", err.message);
    else log_event(LOG_INFO, "agent %s ends", config->name);
    free(token);
    return st ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* @return -1 to go on, else the exit status. */
static int configure(const struct arguments *a, struct agent_config *config)
{
    struct lathe_error err = {0};
    if (a->config && agent_config_read(a->config, config, &err)) {
        fprintf(stderr, "lathe-agent: %s: %s%s%s\n", a->config, err.field, err.field[0] ? ": " : "", err.message);
        return EXIT_USAGE;
    }
    override(config, &a->given);
    return check_config(config);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "check-runner") == 0) return check_runner_command(argc - 1, argv + 1);
    struct arguments a = {.given = {.server = getenv("LATHE_SERVER"), .token_file = getenv("LATHE_TOKEN_FILE")}};
    struct agent_config config = {0};
    int status = read_arguments(argc, argv, &a);
    if (status < 0) status = configure(&a, &config);
    if (status < 0) {
        handle_signals();
        if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
            fputs("lathe-agent: can't start libcurl\n", stderr);
            status = EXIT_FAILURE;
        } else {
            status = run(&config, a.once);
            curl_global_cleanup();
        }
    }
    agent_config_clear(&config);
    return status;
}
