/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathed: the only file that wires modules together. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lut/base/file.h"
#include "lut/base/log.h"
#include "lut/base/text.h"
#include "server/keep/keeper.h"
#include "server/routes/app.h"
#include "server/routes/device_states.h"
#include "server/routes/events.h"
#include "server/routes/idempotency.h"
#include "server/routes/job_waiters.h"
#include "server/routes/lease_waiters.h"
#include "server/routes/night_search.h"
#include "server/routes/predictor_cache.h"
#include "server/routes/storage.h"
#include "server/store/store.h"
#include "server/store/tokens.h"

enum { EXIT_USAGE = 2, TICK_MS = 1000, CORS_MOST = 32 };

static const int64_t KEEP_DEFAULT_MS = INT64_C(90) * 86400000;
static const uint64_t LIMIT_DEFAULT = UINT64_C(20) << 30;
static const uint64_t LIMIT_LEAST = UINT64_C(16) << 20;
static const uint64_t LIMIT_MOST = UINT64_C(64) << 40; /* of address space, there is no more */

static const char usage[] =
    "Usage: lathed [options]\n"
    "Latency tables of real devices, and subnets cut to fit them, over REST.\n"
    "\n"
    "  --data DIR           where everything is kept (default: $LATHE_DATA, else\n"
    "                       $XDG_DATA_HOME/lathe, else ~/.local/share/lathe)\n"
    "  --listen HOST:PORT   default 127.0.0.1:8420; port 0 picks a free one\n"
    "  --tls-cert FILE      PEM certificate; goes with --tls-key\n"
    "  --tls-key FILE       its PEM key\n"
    "  --web DIR            the page's files (default: share/lathe/web)\n"
    "  --cors ORIGIN        let pages of this origin use the interface, by token; again for more\n"
    "  --keep-samples TIME  how long raw samples are kept: 90d (default), 12h, or forever;\n"
    "                       what was made of them stays\n"
    "  --data-limit SIZE    what the data may come to: 20G (default), 500M\n"
    "  --log-level LEVEL    error, warn, info (default) or debug\n"
    "  --version, --help\n"
    "\n"
    "The address is printed when the server is ready. At first start an admin's\n"
    "token is written to DIR/admin.token.\n"
    "\n"
    "Examples:\n"
    "  lathed --data /var/lib/lathe\n"
    "  lathed --data /tmp/try --listen 127.0.0.1:0\n"
    "  lathed --listen 0.0.0.0:8420 --tls-cert cert.pem --tls-key key.pem\n";

struct options {
    char data[PATH_MAX];
    const char *listen, *tls_cert, *tls_key, *web;
    const char *cors[CORS_MOST + 1]; /* ended by NULL */
    size_t cors_count;
    int64_t keep_ms;      /* of samples; 0: for ever */
    uint64_t limit_bytes; /* of the store */
};

/* What must be undone, in reverse order. */
struct server {
    struct app app;
    struct nightly_search search;
    struct http_server *http;
    char server_file[PATH_MAX + 16];
};

static const struct http_route *const all_routes[] = {
    health_routes,
    token_routes,
    session_routes,
    device_routes,
    space_routes,
    network_routes,
    table_routes,
    entry_routes,
    predictor_routes,
    subnet_routes,
    front_routes,
    evaluation_routes,
    profile_routes,
    measurement_routes,
    clean_routes,
    lease_routes,
    event_routes,
    description_routes,
    sample_routes,
    coverage_routes,
    doubt_routes,
    table_network_routes,
    net_config_routes,
    agent_routes,
    scan_routes,
    storage_routes,
    run_routes,
    shipped_routes,
    NULL,
};

static const struct http_produces *const all_produces[] = {
    &entry_produces, &predictor_produces,  &subnet_produces, &measurement_produces,
    &event_produces, &net_config_produces, &backup_produces, NULL};

/* ---- options ---- */

static void default_data(char out[PATH_MAX])
{
    const char *own = getenv("LATHE_DATA");
    const char *xdg = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (own && own[0]) snprintf(out, PATH_MAX, "%s", own);
    else if (xdg && xdg[0]) snprintf(out, PATH_MAX, "%s/lathe", xdg);
    else snprintf(out, PATH_MAX, "%s/.local/share/lathe", home && home[0] ? home : ".");
}

/* A number and the letter of its unit. @param units of which the first n count, each as many of the smallest as
 * worth says. @return false: that is none, or it comes to nothing. */
static bool read_amount(const char *text, const char *units, const uint64_t *worth, uint64_t *out)
{
    size_t n = strlen(text);
    const char *unit = n > 1 ? strchr(units, text[n - 1]) : NULL;
    uint64_t number;
    if (!unit || !text_to_u64(text, n - 1, &number) || number < 1 || number > UINT32_MAX) return false;
    *out = number * worth[unit - units];
    return true;
}

static bool read_keep(const char *text, int64_t *ms)
{
    static const uint64_t worth[] = {1000, 60000, 3600000, 86400000};
    uint64_t amount = 0;
    if (strcmp(text, "forever") != 0 && !read_amount(text, "smhd", worth, &amount)) return false;
    *ms = (int64_t)amount;
    return true;
}

static bool read_limit(const char *text, uint64_t *bytes)
{
    static const uint64_t worth[] = {UINT64_C(1) << 20, UINT64_C(1) << 30, UINT64_C(1) << 40};
    return read_amount(text, "MGT", worth, bytes) && *bytes >= LIMIT_LEAST && *bytes <= LIMIT_MOST;
}

/* @return 0 to go on; else one more than the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
    enum { DATA = 256, LISTEN, CERT, KEY, WEB, CORS, KEEP, LIMIT, LEVEL, VERSION, HELP };
    static const struct option known[] = {
        {"data", required_argument, NULL, DATA},
        {"listen", required_argument, NULL, LISTEN},
        {"tls-cert", required_argument, NULL, CERT},
        {"tls-key", required_argument, NULL, KEY},
        {"web", required_argument, NULL, WEB},
        {"cors", required_argument, NULL, CORS},
        {"keep-samples", required_argument, NULL, KEEP},
        {"data-limit", required_argument, NULL, LIMIT},
        {"log-level", required_argument, NULL, LEVEL},
        {"version", no_argument, NULL, VERSION},
        {"help", no_argument, NULL, HELP},
        {0},
    };
    enum log_level level;
    int option;
    *o = (struct options){.listen = "127.0.0.1:8420", .keep_ms = KEEP_DEFAULT_MS, .limit_bytes = LIMIT_DEFAULT};
    default_data(o->data);
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case DATA:
            snprintf(o->data, sizeof o->data, "%s", optarg);
            break;
        case LISTEN:
            o->listen = optarg;
            break;
        case CERT:
            o->tls_cert = optarg;
            break;
        case KEY:
            o->tls_key = optarg;
            break;
        case WEB:
            o->web = optarg;
            break;
        case CORS:
            if (o->cors_count < CORS_MOST) {
                o->cors[o->cors_count++] = optarg;
                break;
            }
            fprintf(stderr, "lathed: --cors can be given %d times\n", CORS_MOST);
            return EXIT_USAGE + 1;
        case KEEP:
            if (read_keep(optarg, &o->keep_ms)) break;
            fprintf(stderr, "lathed: --keep-samples must be like 90d, 12h, 30m or 10s, or forever\n");
            return EXIT_USAGE + 1;
        case LIMIT:
            if (read_limit(optarg, &o->limit_bytes)) break;
            fprintf(stderr, "lathed: --data-limit must be like 500M, 20G or 1T, from 16M to 64T\n");
            return EXIT_USAGE + 1;
        case LEVEL:
            if (log_level_parse(optarg, &level) == 0) {
                log_set_level(level);
                break;
            }
            fprintf(stderr, "lathed: --log-level must be error, warn, info or debug\n");
            return EXIT_USAGE + 1;
        case VERSION:
            printf("lathed %s\n", LATHE_VERSION);
            return EXIT_SUCCESS + 1;
        case HELP:
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS + 1;
        default:
            fprintf(stderr, "Try lathed --help.\n");
            return EXIT_USAGE + 1;
        }
    }
    if (optind == argc) return 0;
    fprintf(stderr, "lathed: unexpected argument %s\nTry lathed --help.\n", argv[optind]);
    return EXIT_USAGE + 1;
}

/* ---- start ---- */

/* Where share/lathe is: $LATHE_SHARE, or beside the folder of this program. */
static enum lathe_status find_share(char out[PATH_MAX], struct lathe_error *err)
{
    const char *own = getenv("LATHE_SHARE");
    char program[PATH_MAX];
    if (own && own[0]) {
        snprintf(out, PATH_MAX, "%s", own);
    } else {
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        program[n > 0 ? n : 0] = '\0';
        char *slash = strrchr(program, '/');
        if (slash) *slash = '\0';
        if (snprintf(out, PATH_MAX, "%s/../share/lathe", program) >= PATH_MAX) out[0] = '\0';
    }
    if (access(out, R_OK) == 0) return LATHE_OK;
    return error_set(err, LATHE_NOT_FOUND,
                     "can't read Lathe's data in %s: install Lathe, or set LATHE_SHARE to its share/lathe", out);
}

/* Create every folder of a path. */
static enum lathe_status make_folders(const char *path, struct lathe_error *err)
{
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", slash ? (int)(slash - path) : (int)strlen(path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return error_set(err, LATHE_IO, "can't create the folder %s: %s", part, strerror(errno));
        if (!slash) return LATHE_OK;
    }
}

static enum lathe_status write_first_token(struct kv *kv, const char *data, struct lathe_error *err)
{
    char path[PATH_MAX + 16];
    char text[TOKEN_TEXT_BYTES + 1];
    snprintf(path, sizeof path, "%s/admin.token", data);
    if (access(path, F_OK) == 0) return LATHE_OK;
    /* A start that died between the two steps left a token that nobody knows. */
    enum lathe_status st = token_revoke(kv, "admin", err);
    if (st && st != LATHE_NOT_FOUND) return st;
    st = token_create(kv, "admin", "admin", text, err);
    if (st) return st;
    size_t n = strlen(text);
    text[n] = '\n';
    return file_write(path, text, n + 1, 0600, err);
}

static enum lathe_status load_own_spaces(struct kv *kv, struct catalog *catalog, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *list = NULL;
    char next[65];
    enum lathe_status st = kv_read_begin(kv, &txn, err);
    if (st) return st;
    st = store_list(txn, "space", NULL, SIZE_MAX - 1, &list, next, err);
    kv_read_end(txn);
    for (size_t i = 0; !st && i < json_array_size(list); i++) {
        struct space *space = NULL;
        json_t *document = json_array_get(list, i);
        json_object_del(document, "schema");
        st = space_parse(document, &space, err);
        if (!st) st = catalog_put(catalog, space, err);
        if (!st) continue;
        /* The others, and all else, can do without it. */
        struct lathe_error why = *err;
        log_event(LOG_WARN, "failed to load space %s: %s", json_string_value(json_object_get(document, "id")),
                  why.message);
        st = LATHE_OK;
    }
    json_decref(list);
    return st;
}

static bool authenticate(void *context, const char *token, struct principal *out)
{
    const struct app *app = context;
    char role[8];
    if (token_find(app->kv, token, role, out->name, NULL)) return false;
    out->role = strcmp(role, "admin") == 0 ? ROLE_ADMIN : strcmp(role, "agent") == 0 ? ROLE_AGENT : ROLE_USER;
    return true;
}

static enum lathe_status start(struct server *s, const struct options *o, struct lathe_error *err)
{
    char share[PATH_MAX];
    char folder[PATH_MAX + 16];
    struct app *app = &s->app;
    app->data_dir = o->data;
    enum lathe_status st = find_share(share, err);
    if (!st) st = make_folders(o->data, err);
    struct kv_options store = {.map_bytes = (size_t)o->limit_bytes, .counted = "samples/"};
    if (!st) st = kv_open(o->data, STORE_VERSION, &store, &app->kv, err);
    if (!st) st = write_first_token(app->kv, o->data, err);
    snprintf(folder, sizeof folder, "%s/spaces", share);
    if (!st) st = catalog_open(folder, &app->spaces, err);
    if (!st) st = load_own_spaces(app->kv, app->spaces, err);
    snprintf(folder, sizeof folder, "%s/networks", share);
    if (!st) st = networks_open(folder, &app->networks, err);
    snprintf(folder, sizeof folder, "%s/predictors", share);
    if (!st) st = predictor_cache_new(app->kv, app->spaces, folder, &app->predictors, err);
    if (!st) st = description_load(share, &app->description, err);
    if (!st) st = jobs_open(app->kv, app->spaces, &app->jobs, err);
    if (!st) st = events_new(app, &app->events, err);
    if (!st) st = device_states_new(app->events, app->jobs, &app->states, err);
    if (!st) st = job_waiters_new(app->events, app->jobs, &app->job_waiters, err);
    if (!st) st = idempotency_new(app->kv, &app->idempotency, err);
    s->search = night_search(app);
    if (!st) st = nightly_open(app->kv, app->jobs, app->spaces, &s->search, &app->nightly, err);
    if (!st) st = keeper_new(app->kv, o->keep_ms, &app->keeper, err);
    if (!st) st = backups_new(&app->backups, err);
    if (!st) st = lease_waiters_new(app->jobs, &app->waiters, err);
    if (st) return st;
    snprintf(folder, sizeof folder, "%s/web", share);
    struct http_options http = {
        .listen = o->listen,
        .tls_cert = o->tls_cert,
        .tls_key = o->tls_key,
        .routes = all_routes,
        .produces = all_produces,
        .web = o->web ? o->web : folder,
        .web_required = o->web != NULL,
        .cors = o->cors_count ? o->cors : NULL,
        .app = app,
        .authenticate = authenticate,
        .begin_once = idempotency_begin,
        .end_once = idempotency_end,
    };
    return http_start(&http, &s->http, err);
}

/* Every connection is a file, and the usual limit of 1024 is soft. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) log_event(LOG_WARN, "failed to raise the limit of open files");
}

/* So that the `lathe` command of the same machine finds the server. */
static enum lathe_status announce(struct server *s, const struct options *o, struct lathe_error *err)
{
    char text[256];
    snprintf(s->server_file, sizeof s->server_file, "%s/server.json", o->data);
    int n = snprintf(text, sizeof text, "{\"address\":\"%s\",\"pid\":%ld}\n", http_address(s->http), (long)getpid());
    enum lathe_status st = file_write(s->server_file, text, (size_t)n, 0600, err);
    if (st) return st;
    printf("lathed: ready at %s\n", http_address(s->http));
    fflush(stdout);
    return LATHE_OK;
}

static void stop(struct server *s)
{
    if (s->server_file[0]) unlink(s->server_file);
    if (s->app.waiters) lease_waiters_stop(s->app.waiters);
    if (s->app.job_waiters) job_waiters_stop(s->app.job_waiters);
    if (s->app.events) event_hub_stop(s->app.events);
    if (s->app.backups) backups_stop(s->app.backups);
    http_stop(s->http);
    nightly_close(s->app.nightly);
    keeper_free(s->app.keeper);
    backups_free(s->app.backups);
    event_hub_free(s->app.events);
    device_states_free(s->app.states);
    job_waiters_free(s->app.job_waiters);
    idempotency_free(s->app.idempotency);
    jobs_close(s->app.jobs);
    lease_waiters_free(s->app.waiters);
    predictor_cache_free(s->app.predictors);
    networks_free(s->app.networks);
    catalog_free(s->app.spaces);
    description_clear(&s->app.description);
    kv_close(s->app.kv);
}

/* A handler and a pipe, not a blocked mask and signalfd: OpenBLAS starts threads before main() that block nothing. */
static int stop_pipe[2];

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    /* The pipe never fills: one byte is enough to stop, and what does not fit is not needed. */
    if (write(stop_pipe[1], "", 1) < 0) errno = 0;
    errno = saved;
}

static int catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    signal(SIGPIPE, SIG_IGN);
    return sigaction(SIGTERM, &action, NULL) || sigaction(SIGINT, &action, NULL) ? -1 : 0;
}

/* Until SIGTERM or SIGINT. */
static void serve(struct server *s)
{
    struct pollfd stopped = {.fd = stop_pipe[0], .events = POLLIN};
    keeper_tick(s->app.keeper);
    while (poll(&stopped, 1, TICK_MS) <= 0) {
        jobs_expire(s->app.jobs);
        lease_waiters_tick(s->app.waiters);
        event_hub_tick(s->app.events);
        idempotency_tick(s->app.idempotency);
        keeper_tick(s->app.keeper);
    }
}

int main(int argc, char **argv)
{
    struct options o;
    struct server s = {0};
    struct lathe_error err = {0};
    int done = read_options(argc, argv, &o);
    if (done) return done - 1;
    if (catch_signals() != 0 || sodium_init() < 0) {
        fprintf(stderr, "lathed: can't start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    allow_many_files();
    enum lathe_status st = start(&s, &o, &err);
    if (!st) st = announce(&s, &o, &err);
    if (st) {
        fprintf(stderr, "lathed: %s\n", err.message);
    } else {
        log_event(LOG_INFO, "serving at %s data=%s", http_address(s.http), o.data);
        serve(&s);
        log_event(LOG_INFO, "stopping");
    }
    stop(&s);
    return st ? EXIT_FAILURE : EXIT_SUCCESS;
}
