/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe-run: executes networks on the machine that it runs on, and times them. */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/runner/core/slowdown.h"
#include "agents/runner/report.h"
#include "agents/runner/serve.h"
#include "agents/runner/state.h"
#include "lut/base/log.h"
#include "lut/base/text.h"

enum { EXIT_USAGE = 2 };

static const char help[] =
    "lathe-run: times layers of neural networks on this machine\n"
    "\n"
    "usage:\n"
    "  lathe-run serve [OPTIONS]          speak the wire protocol on standard input and output\n"
    "  lathe-run list [--json]            runtimes of this build, what each does here, the processor, OpenCL devices\n"
    "  lathe-run bench [OPTIONS] 'LAYER'...\n"
    "\n"
    "options of bench:\n"
    "  --runtime NAME   one of `lathe-run list` (the last of them: xnnpack where it is built in)\n"
    "  --dtype NAME     f32 or int8 (f32)\n"
    "  --threads N      1 to 64 (1)\n"
    "  --batch N        images at once, 1 to 64 (1)\n"
    "  --runs N         timed runs, 1 to 10000 (50)\n"
    "  --warmup N       runs before them, 0 to 10000 (5)\n"
    "  --seed N         of weights and inputs (0)\n"
    "  --network        the layers are one network: time each within it, and the whole\n"
    "  --json           one JSON object a line\n"
    "options of serve:\n"
    "  --governor NAME  of the clocks of the processors that it runs on, e.g. performance; put back at the end\n"
    "  --khz N          lock those clocks; put back at the end\n"
    "both of bench and serve:\n"
    "  --memory-mb N    most that weights and activations may take (three quarters of the machine's memory,\n"
    "                   or of the device's)\n"
    "of bench, serve and list:\n"
    "  --opencl-device NAME  part of the name of the OpenCL device to use, or of its platform's; so does\n"
    "                   LATHE_OPENCL_DEVICE in the environment (the first GPU, else the first device)\n"
    "\n"
    "examples:\n"
    "  lathe-run bench 'mbconv in=20x20x48 out=20x20x48 mid=144 k=5 s=1 act=relu se=40 res=1'\n"
    "  lathe-run bench --threads 2 --runs 200 'conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish'\n"
    "  lathe-run bench --network 'avgpool in=5x5x1152 out=1x1x1152' 'linear in=1x1x1152 out=1x1x1000'\n"
    "\n"
    "exit codes: 0 done, 1 failed, 2 wrong usage\n";

static int usage(const char *message)
{
    fprintf(stderr, "lathe-run: %s; see lathe-run --help\n", message);
    return EXIT_USAGE;
}

static int failed(const struct lathe_error *err)
{
    fprintf(stderr, "lathe-run: %s\n", err->message);
    return EXIT_FAILURE;
}

struct arguments {
    const char *runtime, *governor;
    uint32_t khz;
    struct bench_request bench;
};

/* A signal ends serving, so that clocks are put back. */
static volatile sig_atomic_t stop_serving;

static void on_signal(int number)
{
    (void)number;
    stop_serving = 1;
}

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value;
    if (!text_to_u64(text, strlen(text), &value) || value < min || value > max) return false;
    *out = value;
    return true;
}

static bool read_int(const char *text, uint64_t min, uint64_t max, int *out)
{
    uint64_t value;
    if (!read_number(text, min, max, &value)) return false;
    *out = (int)value;
    return true;
}

enum {
    OPT_RUNTIME,
    OPT_DTYPE,
    OPT_THREADS,
    OPT_BATCH,
    OPT_RUNS,
    OPT_WARMUP,
    OPT_SEED,
    OPT_MEMORY,
    OPT_OPENCL_DEVICE,
    OPT_GOVERNOR,
    OPT_KHZ,
    OPT_NETWORK,
    OPT_JSON
};

static const struct option options[] = {
    {"runtime", required_argument, NULL, OPT_RUNTIME},
    {"dtype", required_argument, NULL, OPT_DTYPE},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"runs", required_argument, NULL, OPT_RUNS},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"seed", required_argument, NULL, OPT_SEED},
    {"memory-mb", required_argument, NULL, OPT_MEMORY},
    {"opencl-device", required_argument, NULL, OPT_OPENCL_DEVICE},
    {"governor", required_argument, NULL, OPT_GOVERNOR},
    {"khz", required_argument, NULL, OPT_KHZ},
    {"network", no_argument, NULL, OPT_NETWORK},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* @return false when the value is out of range. */
static bool take_option(struct arguments *a, int option, const char *value)
{
    struct bench_request *b = &a->bench;
    uint64_t number = 0;
    switch (option) {
    case OPT_RUNTIME:
        a->runtime = value;
        return true;
    case OPT_DTYPE:
        return dtype_parse(value, &b->rig.options.dtype);
    case OPT_THREADS:
        return read_int(value, 1, RUNTIME_MAX_THREADS, &b->rig.options.threads);
    case OPT_BATCH:
        return read_int(value, 1, RUNTIME_MAX_BATCH, &b->rig.options.batch);
    case OPT_RUNS:
        return read_int(value, 1, RIG_MAX_RUNS, &b->runs);
    case OPT_WARMUP:
        return read_int(value, 0, RIG_MAX_RUNS, &b->warmup);
    case OPT_SEED:
        if (!read_number(value, 0, UINT32_MAX, &number)) return false;
        b->rig.seed = (uint32_t)number;
        return true;
    case OPT_MEMORY:
        if (!read_number(value, 1, UINT64_MAX >> 20, &number)) return false;
        b->rig.memory_bytes = number << 20;
        return true;
    case OPT_OPENCL_DEVICE:
        /* Where the runtime, which knows nothing of options, looks. */
        return *value && setenv("LATHE_OPENCL_DEVICE", value, 1) == 0;
    case OPT_GOVERNOR:
        a->governor = value;
        return *value != '\0';
    case OPT_KHZ:
        if (!read_number(value, 1, UINT32_MAX, &number)) return false;
        a->khz = (uint32_t)number;
        return true;
    case OPT_NETWORK:
        return b->whole = true;
    default:
        return b->json = true;
    }
}

/* Options that mean nothing to a command are errors too. @param allowed bits, 1 << OPT_.. */
static int read_options(int argc, char **argv, unsigned allowed, struct arguments *a)
{
    int option;
    int index = 0;
    while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
        char message[128];
        if (option == 'h') {
            fputs(help, stdout);
            exit(EXIT_SUCCESS);
        }
        if (option == '?') return EXIT_USAGE; /* getopt said why */
        if (!(allowed >> option & 1)) {
            snprintf(message, sizeof message, "%s has no option --%s", argv[0], options[index].name);
            return usage(message);
        }
        if (option == OPT_OPENCL_DEVICE && !runtime_find("opencl"))
            return usage("this build has no runtime opencl that --opencl-device could be of");
        if (!take_option(a, option, optarg)) {
            snprintf(message, sizeof message, "--%s can't be \"%.40s\"", options[index].name, optarg);
            return usage(message);
        }
    }
    return EXIT_SUCCESS;
}

static int run_serve(int argc, char **argv)
{
    struct arguments a = {0};
    struct lathe_error err;
    struct host_clocks clocks;
    struct sigaction action = {.sa_handler = on_signal};
    int code =
        read_options(argc, argv, 1u << OPT_MEMORY | 1u << OPT_OPENCL_DEVICE | 1u << OPT_GOVERNOR | 1u << OPT_KHZ, &a);
    if (code) return code;
    if (optind < argc) return usage("serve takes no arguments");
    /* Standard output carries frames and nothing else, whatever a library may print. */
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
        log_event(LOG_ERROR, "failed to set standard output aside");
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (host_clocks_set("", a.governor, a.khz, &clocks, &err)) return failed(&err);
    if (serve(STDIN_FILENO, out, a.bench.rig.memory_bytes, &stop_serving, &err)) code = failed(&err);
    host_clocks_restore(&clocks);
    return code;
}

static int run_list(int argc, char **argv)
{
    struct arguments a = {0};
    int code = read_options(argc, argv, 1u << OPT_JSON | 1u << OPT_OPENCL_DEVICE, &a);
    if (code) return code;
    if (optind < argc) return usage("list takes no arguments");
    report_list(stdout, a.bench.json);
    return EXIT_SUCCESS;
}

/* The one asked for, or the last of the list that runs on the CPU: the list goes from plain to fast. */
static const struct runtime *choose_runtime(const char *name)
{
    if (name) return runtime_find(name);
    const struct runtime *found = NULL;
    for (const struct runtime *const *r = runtimes; *r; r++)
        if (!(*r)->device) found = *r;
    return found;
}

static int run_bench(int argc, char **argv)
{
    struct arguments a = {.bench = {.rig = {.options = {DTYPE_F32, 1, 1}}, .warmup = 5, .runs = 50}};
    struct lathe_error err;
    int code = read_options(argc, argv, ~(1u << OPT_GOVERNOR | 1u << OPT_KHZ), &a);
    if (code) return code;
    a.bench.rig.runtime = choose_runtime(a.runtime);
    if (!a.bench.rig.runtime) return usage("no such runtime in this build; lathe-run list shows them");
    int count = argc - optind;
    if (count < 1 || count > RIG_MAX_LAYERS) return usage("bench takes from 1 to 1024 layers");
    struct layer *layers = calloc((size_t)count, sizeof *layers);
    if (!layers) return failed(&(struct lathe_error){.message = "out of memory"});
    for (int i = 0; i < count && !code; i++)
        if (layer_parse(argv[optind + i], &layers[i], &err)) code = usage(err.message);
    if (!code && report_bench(stdout, &a.bench, layers, count, &err)) code = failed(&err);
    free(layers);
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int, char **);
    } commands[] = {{"serve", run_serve}, {"list", run_list}, {"bench", run_bench}};
    struct lathe_error err;
    const char *slowdown = getenv(SLOWDOWN_VARIABLE);
    if (slowdown_set(slowdown, &err)) return usage(err.message);
    if (slowdown && *slowdown)
        log_event(LOG_WARN, "layers are slowed down for a test: %s=%s", SLOWDOWN_VARIABLE, slowdown);
    if (argc < 2) return usage("say what to do: serve, list or bench");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    return usage("unknown command");
}
