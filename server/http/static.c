/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The page's files. It routes by its own paths (/devices, /tables/..), so whoever navigates to a path that is no file
 * gets index.html. Files under /assets carry a hash of their content in their names and may be kept for ever; of all
 * others a client asks whether they have changed.
 *
 * No path leaves the folder: names that start with a dot are none, and what a symbolic link leads to must be inside. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/http/internal.h"

enum { FILE_MOST = 64 << 20, TAG_BYTES = 64 };

static const char index_html[] = "/index.html";
static const char assets[] = "/assets/";

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".txt", "text/plain; charset=utf-8"},
};

static const char not_built[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Lathe</title></head><body>\n"
    "<h1>The page is not built</h1>\n"
    "<p>The server runs, and its interface answers under <code>/v1</code>. Its page is missing: there is no "
    "<code>index.html</code> in <code>share/lathe/web</code>, nor where <code>--web</code> points.</p>\n"
    "<p>Install Node.js 18.17 or later with npm, build Lathe again (<code>cmake -S . -B build/release &amp;&amp; cmake "
    "--build build/release</code>), and start <code>lathed</code> from there or install it.</p>\n"
    "</body></html>\n";

bool static_serves(const struct http_request *r)
{
    bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
    bool interface = strncmp(r->path, "/v1", 3) == 0 && (r->path[3] == '/' || !r->path[3]);
    return r->server->serves_files && reads && !interface;
}

enum lathe_status static_open(struct http_server *s, struct lathe_error *err)
{
    const struct http_options *o = &s->options;
    struct stat about;
    if (!o->web) return LATHE_OK;
    s->serves_files = true;
    s->web = realpath(o->web, NULL);
    if (s->web && stat(s->web, &about) == 0 && S_ISDIR(about.st_mode)) return LATHE_OK;
    int reason = s->web ? ENOTDIR : errno;
    free(s->web);
    s->web = NULL;
    /* Where nobody named a folder, the page may not have been built: `/` says so. */
    if (!o->web_required) return LATHE_OK;
    return error_field(err, "web", "--web %s: %s", o->web, strerror(reason));
}

static const char *type_of(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t ending = strlen(types[i].ending);
        if (n > ending && strcmp(path + n - ending, types[i].ending) == 0) return types[i].type;
    }
    return "application/octet-stream";
}

/* Decoded, and nothing that could name a folder above, a hidden file or, on its own, a folder. */
static bool is_plain(const char *path)
{
    for (const char *segment = path; segment; segment = strchr(segment, '/')) {
        segment++;
        if (*segment == '.' || *segment == '/' || !*segment) return false;
    }
    return path[0] == '/';
}

/* Open a file of the folder. @param path decoded, with a slash in front. @return -1 when there is none. */
static int open_inside(const char *web, const char *path, struct stat *about)
{
    char name[PATH_MAX];
    char real[PATH_MAX];
    size_t n = strlen(web);
    if (snprintf(name, sizeof name, "%s%s", web, path) >= (int)sizeof name || !realpath(name, real)) return -1;
    if (strncmp(real, web, n) != 0 || real[n] != '/') return -1;
    int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return -1;
    if (fstat(fd, about) == 0 && S_ISREG(about->st_mode) && about->st_size <= FILE_MOST) return fd;
    close(fd);
    return -1;
}

/* @return malloc'd, NULL when it can't be read whole. */
static char *read_whole(int fd, size_t size)
{
    char *data = malloc(size + 1);
    size_t n = 0;
    while (data && n < size) {
        ssize_t got = read(fd, data + n, size - n);
        if (got > 0) n += (size_t)got;
        else if (got == 0 || errno != EINTR) break;
    }
    if (data && n == size) return data;
    free(data);
    return NULL;
}

static void reply_file(struct http_request *r, const char *path, int fd, const struct stat *about)
{
    char tag[TAG_BYTES];
    bool hashed = strncmp(path, assets, sizeof assets - 1) == 0;
    snprintf(tag, sizeof tag, "%jx-%jx-%jx", (uintmax_t)about->st_mtim.tv_sec, (uintmax_t)about->st_mtim.tv_nsec,
             (uintmax_t)about->st_size);
    http_reply_header(r, "Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    if (http_unchanged(r, tag)) return;
    char *data = read_whole(fd, (size_t)about->st_size);
    if (data) http_reply(r, 200, type_of(path), data, (size_t)about->st_size);
    else http_reply_problem(r, 500, NULL, NULL, "%.200s can't be read", path);
}

/* The file's .gz, where there is one and the client takes it. */
static bool serve_packed(struct http_request *r, const char *path)
{
    char packed[PATH_MAX];
    struct stat about;
    if (!accept_gzip(http_header(r, "Accept-Encoding"))) return false;
    if (snprintf(packed, sizeof packed, "%s.gz", path) >= (int)sizeof packed) return false;
    int fd = open_inside(r->server->web, packed, &about);
    if (fd < 0) return false;
    http_reply_header(r, "Content-Encoding", "gzip");
    reply_file(r, path, fd, &about);
    close(fd);
    return true;
}

/* @return false: there is no such file. */
static bool serve(struct http_request *r, const char *path)
{
    struct stat about;
    int fd = open_inside(r->server->web, path, &about);
    if (fd < 0) return false;
    if (!serve_packed(r, path)) reply_file(r, path, fd, &about);
    close(fd);
    return true;
}

/* A page of its own by its name: /docs is docs.html. */
static bool serve_named(struct http_request *r, const char *path)
{
    char file[PATH_MAX];
    return snprintf(file, sizeof file, "%s.html", path) < (int)sizeof file && serve(r, file);
}

static enum http_outcome serve_page(struct http_request *r)
{
    bool navigates = accept_names(http_header(r, "Accept"), "text/html");
    char *path = percent_decode(r->path, strlen(r->path), false);
    bool root = path && strcmp(path, "/") == 0;
    bool asset = path && strncmp(path, assets, sizeof assets - 1) == 0;
    bool served = path && r->server->web && is_plain(path) && (serve(r, path) || serve_named(r, path));
    if (!served && (root || (navigates && path && !asset))) {
        served = true;
        if (!r->server->web || !serve(r, index_html)) http_reply_text(r, 503, types[0].type, not_built);
    }
    if (!served) http_reply_problem(r, 404, NULL, NULL, "there is nothing at %.200s", r->path);
    free(path);
    return HTTP_DONE;
}

const struct http_route static_route = {"GET", "/{file}", 0, POOL_QUICK, 0, serve_page};
