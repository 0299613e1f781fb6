/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "server/cli/cli.h"

enum {
    SMALL_FILE = 65536,
    SERVER_BYTES = 512,
    TOKEN_BYTES = 256,
    CONNECT_TIMEOUT_S = 10,
    ANSWER_TIMEOUT_S = 600,
    RETRY_MS = 500,
    RETRY_MOST_MS = 10000
};

/* ---- where the server is, and who asks ---- */

void data_folder(char *out, size_t size)
{
    const char *own = getenv("LATHE_DATA");
    const char *xdg = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (own && own[0]) snprintf(out, size, "%s", own);
    else if (xdg && xdg[0]) snprintf(out, size, "%s/lathe", xdg);
    else snprintf(out, size, "%s/.local/share/lathe", home && home[0] ? home : ".");
}

static bool find_server(const struct cli *cli, char *out, size_t size)
{
    const char *environment = getenv("LATHE_SERVER");
    const char *given = cli->server ? cli->server : environment && environment[0] ? environment : NULL;
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    char *text;
    size_t length;
    if (given) {
        snprintf(out, size, "%s", given);
        while (out[0] && out[strlen(out) - 1] == '/') out[strlen(out) - 1] = '\0';
        return true;
    }
    data_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/server.json", folder);
    if (!file_read(path, SMALL_FILE, &text, &length, NULL)) {
        json_t *document = json_loadb(text, length, 0, NULL);
        const char *address = json_string_value(json_object_get(document, "address"));
        snprintf(out, size, "%s", address ? address : "");
        json_decref(document);
        free(text);
        if (out[0]) return true;
    }
    fprintf(stderr,
            "lathe: no server: start lathed, or say where it is with --server URL or LATHE_SERVER (looked in %s)\n",
            folder);
    return false;
}

static bool find_token(const struct cli *cli, char *out, size_t size)
{
    const char *environment = getenv("LATHE_TOKEN_FILE");
    const char *given = cli->token_file ? cli->token_file : environment && environment[0] ? environment : NULL;
    char folder[PATH_MAX];
    char path[PATH_MAX + 16];
    struct lathe_error err;
    char *text;
    size_t length;
    data_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/admin.token", folder);
    if (file_read(given ? given : path, SMALL_FILE, &text, &length, &err)) {
        fprintf(stderr, "lathe: no token: %s; name a file that has one with --token-file FILE or LATHE_TOKEN_FILE\n",
                err.message);
        return false;
    }
    size_t n = text ? strcspn(text, " \r\n") : 0;
    bool fits = n > 0 && n < size;
    if (fits) snprintf(out, size, "%.*s", (int)n, text);
    else fprintf(stderr, "lathe: there is no token in %s\n", given ? given : path);
    free(text);
    return fits;
}

/* ---- one call ---- */

/* Where an answer's body goes. */
struct sink {
    struct buf body;
    FILE *file; /* that takes the body of an answer below 300; NULL: it goes to body, too */
    CURL *curl;
};

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct sink *sink = context;
    long status = 0;
    if (sink->file) curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) return fwrite(data, size, count, sink->file) * size;
    buf_put(&sink->body, data, size * count);
    return sink->body.failed ? 0 : size * count;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
    char line[TOKEN_BYTES + 64];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(list, line);
    return longer ? longer : list;
}

static enum exit_code exit_of(int status)
{
    if (status == 404) return EXIT_ABSENT;
    if (status == 422) return EXIT_NOT_MET;
    return EXIT_FAILED;
}

/* One line of what the problem says, and what to do where it says so. */
static enum exit_code report_problem(const struct cli *cli, const struct answer *a)
{
    const char *detail = text_at(a->json, "detail");
    const char *field = text_at(a->json, "field");
    const char *command = text_at(a->json, "command");
    fprintf(stderr, "lathe: %s%s%s", cli->about ? cli->about : "", cli->about ? ": " : "",
            detail ? detail : "the server answered with an error");
    if (!detail) fprintf(stderr, " (status %d)", a->status);
    if (field && (!detail || !strstr(detail, field))) fprintf(stderr, " (field %s)", field);
    if (json_at(a->json, "line") && (!detail || !strstr(detail, "line")))
        fprintf(stderr, " (line %.0f)", number_at(a->json, "line"));
    if (command && (!detail || !strstr(detail, command))) fprintf(stderr, "\nMeasure with: %s", command);
    fputc('\n', stderr);
    if (cli->json && !cli->problems_apart && a->json) print_json(a->json);
    return exit_of(a->status);
}

void answer_clear(struct answer *a)
{
    free(a->body);
    json_decref(a->json);
    *a = (struct answer){0};
}

/* What curl received. Takes the body. */
static enum exit_code finish_call(const struct cli *cli, CURL *curl, struct buf *body, struct answer *out)
{
    struct answer a = {0};
    struct curl_header *skipped;
    long status = 0;
    const char *type = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (curl_easy_header(curl, "Lathe-Skipped-Rows", 0, CURLH_HEADER, -1, &skipped) == CURLHE_OK)
        a.skipped = strtol(skipped->value, NULL, 10);
    a.status = (int)status;
    a.body = buf_take(body, &a.size);
    bool is_json = type && strstr(type, "json");
    if (is_json && a.body) a.json = json_loadb(a.body, a.size, 0, NULL);
    enum exit_code code = EXIT_DONE;
    if (a.status < 200 || a.status >= 300) {
        code = report_problem(cli, &a);
    } else if (is_json && !a.json) {
        fputs("lathe: the server's answer is no JSON: is it lathed?\n", stderr);
        code = EXIT_FAILED;
    }
    if (code) answer_clear(&a);
    else *out = a;
    return code;
}

static void set_options(CURL *curl, const struct cli *cli, const char *method, const char *url,
                        struct curl_slist *headers, struct sink *sink)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,::1,localhost");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    /* A long answer may take its time as long as it goes on. */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, sink->file ? 0L : (long)ANSWER_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)ANSWER_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
    if (cli->ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, cli->ca_file);
}

/* Whether nobody is there, or a proxy says that the server is not. */
static bool is_away(CURL *curl, CURLcode rc)
{
    long status = 0;
    switch (rc) {
    case CURLE_OK:
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        return status >= 502 && status <= 504;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

/* @return how the last attempt ended. A signal ends the patience. */
static CURLcode perform(const struct cli *cli, CURL *curl, const char *server, struct buf *received)
{
    const uint64_t start_ns = clock_now_ns();
    bool told = false;
    for (long pause_ms = RETRY_MS;; pause_ms *= 2) {
        CURLcode rc = curl_easy_perform(curl);
        double left_ms = 1e3 * cli->patience_s - (double)(clock_now_ns() - start_ns) / 1e6;
        if (left_ms <= 0 || !is_away(curl, rc)) return rc;
        if (!told) fprintf(stderr, "lathe: can't reach %s; trying for %d s\n", server, cli->patience_s);
        told = true;
        if (pause_ms > RETRY_MOST_MS) pause_ms = RETRY_MOST_MS;
        if ((double)pause_ms > left_ms) pause_ms = (long)left_ms + 1;
        buf_clear(received);
        waiting_pause(pause_ms);
        if (waiting_interrupted()) return CURLE_COULDNT_CONNECT;
    }
}

/* @param file see struct sink. */
static enum exit_code exchange(const struct cli *cli, const char *method, const char *path, const void *body,
                               size_t size, const char *type, const char *accept, FILE *file, struct answer *out)
{
    char server[SERVER_BYTES];
    char bearer[TOKEN_BYTES + 8];
    char url[SERVER_BYTES + PATH_BYTES];
    char token[TOKEN_BYTES];
    struct sink sink = {.file = file};
    *out = (struct answer){0};
    if (!find_server(cli, server, sizeof server) || !find_token(cli, token, sizeof token)) return EXIT_FAILED;
    CURL *curl = curl_easy_init();
    if (!curl) return EXIT_FAILED;
    snprintf(url, sizeof url, "%s%s", server, path);
    snprintf(bearer, sizeof bearer, "Bearer %s", token);
    struct curl_slist *headers = add_header(NULL, "Authorization", bearer);
    headers = add_header(headers, "Accept", accept ? accept : "application/json");
    if (body) headers = add_header(headers, "Content-Type", type ? type : "application/json");
    if (cli->creation) headers = add_header(headers, "Idempotency-Key", cli->creation);
    headers = add_header(headers, "Expect", "");
    buf_init(&sink.body);
    sink.curl = curl;
    set_options(curl, cli, method, url, headers, &sink);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    }
    CURLcode rc = perform(cli, curl, server, &sink.body);
    enum exit_code code = EXIT_FAILED;
    if (rc == CURLE_OK) code = finish_call(cli, curl, &sink.body, out);
    else fprintf(stderr, "lathe: can't reach %s: %s\n", server, curl_easy_strerror(rc));
    buf_clear(&sink.body);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

enum exit_code call(const struct cli *cli, const char *method, const char *path, const void *body, size_t size,
                    const char *type, const char *accept, struct answer *out)
{
    return exchange(cli, method, path, body, size, type, accept, NULL, out);
}

enum exit_code call_to_file(const struct cli *cli, const char *path, const char *accept, FILE *file)
{
    struct answer a;
    enum exit_code code = exchange(cli, "GET", path, NULL, 0, NULL, accept, file, &a);
    answer_clear(&a);
    return code;
}

enum exit_code call_json(const struct cli *cli, const char *method, const char *path, json_t *take_body,
                         struct answer *out)
{
    char *text = take_body ? json_dumps(take_body, JSON_COMPACT) : NULL;
    json_decref(take_body);
    enum exit_code code = call(cli, method, path, text, text ? strlen(text) : 0, NULL, NULL, out);
    free(text);
    return code;
}

enum exit_code call_pages(const struct cli *cli, const char *path, json_t **document)
{
    char page[PATH_BYTES];
    char *cursor = NULL;
    json_t *whole = NULL;
    enum exit_code code = EXIT_FAILED;
    do {
        struct answer a = {0};
        snprintf(page, sizeof page, "%s", path);
        bool fits = path_query(page, "limit", "1000") && path_query(page, "cursor", cursor);
        free(cursor);
        cursor = NULL;
        code = fits ? call_json(cli, "GET", page, NULL, &a) : EXIT_FAILED;
        if (code) break;
        const char *next = text_at(a.json, "next");
        if (next) cursor = strdup(next);
        if (!whole) whole = json_incref(a.json);
        else json_array_extend(json_object_get(whole, "items"), json_object_get(a.json, "items"));
        answer_clear(&a);
    } while (cursor);
    if (code) {
        json_decref(whole);
        return code;
    }
    json_object_set_new(whole, "next", json_null());
    *document = whole;
    return EXIT_DONE;
}

enum exit_code call_list(const struct cli *cli, const char *path, json_t **items)
{
    json_t *document;
    enum exit_code code = call_pages(cli, path, &document);
    if (code) return code;
    *items = json_incref(json_object_get(document, "items"));
    json_decref(document);
    return EXIT_DONE;
}
