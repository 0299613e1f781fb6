/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/api.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/json.h"

enum { ANSWER_BYTES_MAX = 64 * 1024 * 1024, CONNECT_TIMEOUT_S = 10, BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30000 };

struct api {
    struct api_options options;
    CURL *curl;
    struct curl_slist *headers;
};

void api_reply_clear(struct api_reply *reply)
{
    json_decref(reply->body);
    *reply = (struct api_reply){0};
}

static size_t receive(char *data, size_t size, size_t count, void *context)
{
    struct buf *answer = context;
    if (answer->size + size * count > ANSWER_BYTES_MAX) return 0;
    buf_put(answer, data, size * count);
    return answer->failed ? 0 : size * count;
}

static int look_for_abort(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    const struct api *api = context;
    (void)down_total, (void)down, (void)up_total, (void)up;
    return api->options.aborted && atomic_load(api->options.aborted);
}

static bool add_header(struct api *api, const char *line)
{
    struct curl_slist *list = curl_slist_append(api->headers, line);
    if (list) api->headers = list;
    return list != NULL;
}

static bool set_up(struct api *api)
{
    char authorization[256];
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", api->options.token);
    if (!add_header(api, authorization) || !add_header(api, "Content-Type: application/json") ||
        !add_header(api, "Accept: application/json, application/problem+json") || !add_header(api, "Expect:"))
        return false;
    CURL *c = api->curl;
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, api->headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_for_abort);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, api);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "lathe-agent/" LATHE_VERSION);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    if (api->options.ca_file) curl_easy_setopt(c, CURLOPT_CAINFO, api->options.ca_file);
    return true;
}

enum lathe_status api_new(const struct api_options *options, struct api **out, struct lathe_error *err)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    api->options = *options;
    api->curl = curl_easy_init();
    if (!api->curl || !set_up(api)) {
        api_free(api);
        return error_set(err, LATHE_NO_MEMORY, "can't set up libcurl: out of memory");
    }
    *out = api;
    return LATHE_OK;
}

void api_free(struct api *api)
{
    if (!api) return;
    curl_easy_cleanup(api->curl);
    curl_slist_free_all(api->headers);
    free(api);
}

static void describe_problem(struct api_reply *reply, const struct buf *answer)
{
    const char *detail = json_string_value(json_object_get(reply->body, "detail"));
    const char *title = json_string_value(json_object_get(reply->body, "title"));
    if (detail || title) snprintf(reply->problem, sizeof reply->problem, "%s", detail ? detail : title);
    else
        snprintf(reply->problem, sizeof reply->problem, "status %ld: %.200s", reply->status,
                 answer->data ? answer->data : "");
}

static enum lathe_status take_answer(struct api *api, const struct buf *answer, struct api_reply *out)
{
    struct api_reply reply = {0};
    curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &reply.status);
    if (answer->size && json_parse(answer->data, answer->size, &reply.body, NULL)) reply.body = NULL;
    if (reply.status >= 400) describe_problem(&reply, answer);
    *out = reply;
    return LATHE_OK;
}

/* @param method NULL: POST. */
static enum lathe_status call(struct api *api, const char *method, const char *path, const json_t *body, int timeout_s,
                              struct api_reply *out, struct lathe_error *err)
{
    char url[1024];
    char why[CURL_ERROR_SIZE] = "";
    struct buf answer;
    char *text = body ? json_dumps(body, JSON_COMPACT) : strdup("{}");
    if (!text) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    buf_init(&answer);
    snprintf(url, sizeof url, "%s%s", api->options.server, path);
    curl_easy_setopt(api->curl, CURLOPT_URL, url);
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, text);
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(api->curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(api->curl, CURLOPT_TIMEOUT, (long)timeout_s);
    CURLcode code = curl_easy_perform(api->curl);
    curl_easy_setopt(api->curl, CURLOPT_ERRORBUFFER, NULL);
    enum lathe_status st = LATHE_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK) st = error_set(err, LATHE_CANCELLED, "stopped");
    else if (code)
        st = error_set(err, LATHE_IO, "no answer from %s: %s", api->options.server,
                       why[0] ? why : curl_easy_strerror(code));
    else st = take_answer(api, &answer, out);
    free(text);
    buf_clear(&answer);
    return st;
}

enum lathe_status api_post(struct api *api, const char *path, const json_t *body, int timeout_s, struct api_reply *out,
                           struct lathe_error *err)
{
    return call(api, NULL, path, body, timeout_s, out, err);
}

enum lathe_status api_put(struct api *api, const char *path, const json_t *body, int timeout_s, struct api_reply *out,
                          struct lathe_error *err)
{
    return call(api, "PUT", path, body, timeout_s, out, err);
}

uint64_t backoff_ms(int failures, struct rng *rng)
{
    uint64_t full = BACKOFF_FIRST_MS;
    for (int i = 1; i < failures && full < BACKOFF_MAX_MS; i++) full *= 2;
    if (full > BACKOFF_MAX_MS) full = BACKOFF_MAX_MS;
    return full / 2 + (uint64_t)(rng_unit(rng) * (double)full / 2);
}
