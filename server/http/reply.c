/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/log.h"
#include "server/http/internal.h"

static const char problem_type[] = "application/problem+json";

void http_reply(struct http_request *r, int status, const char *content_type, char *take_data, size_t size)
{
    free(r->content_type);
    free(r->data);
    r->status = status;
    r->content_type = content_type ? strdup(content_type) : NULL;
    r->data = take_data;
    r->size = size;
}

void http_reply_text(struct http_request *r, int status, const char *content_type, const char *text)
{
    char *copy = strdup(text);
    http_reply(r, status, content_type, copy, copy ? strlen(copy) : 0);
}

static void reply_as(struct http_request *r, int status, const char *type, json_t *take)
{
    char *text = take ? json_dumps(take, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(take);
    if (text) http_reply(r, status, type, text, strlen(text));
    else
        http_reply_text(r, 500, problem_type,
                        "{\"title\":\"Internal Server Error\",\"status\":500,\"detail\":\"out of memory\"}");
}

void http_reply_json(struct http_request *r, int status, json_t *take)
{
    reply_as(r, status, "application/json", take);
}

void http_reply_empty(struct http_request *r, int status)
{
    http_reply(r, status, NULL, NULL, 0);
}

void http_reply_header(struct http_request *r, const char *name, const char *value)
{
    if (r->header_count == HTTP_MAX_HEADERS) return;
    struct http_pair *h = &r->headers[r->header_count];
    h->name = strdup(name);
    h->value = strdup(value);
    r->header_count++;
}

const char *find_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcasecmp(r->headers[i].name, name) == 0) return r->headers[i].value;
    return NULL;
}

struct http_replied http_replied(struct http_request *r)
{
    return (struct http_replied){r->status, r->content_type, r->data ? r->data : "", r->size};
}

bool http_replied_header(struct http_request *r, size_t number, const char **name, const char **value)
{
    if (number >= r->header_count) return false;
    *name = r->headers[number].name;
    *value = r->headers[number].value;
    return true;
}

void reply_forget_tag(struct http_request *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        struct http_pair h = r->headers[i];
        bool gone = strcasecmp(h.name, "ETag") == 0 || strcasecmp(h.name, "Cache-Control") == 0;
        if (gone) pairs_clear(&h, 1);
        else r->headers[kept++] = h;
    }
    r->header_count = kept;
}

/* Messages may quote what clients sent, cut anywhere: what is no UTF-8 is replaced. */
static json_t *text_json(const char *text)
{
    char ascii[600];
    json_t *string = json_string(text);
    if (string) return string;
    snprintf(ascii, sizeof ascii, "%s", text);
    for (char *c = ascii; *c; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    return json_string(ascii);
}

static void reply_problem(struct http_request *r, int status, const char *field, int line, const char *detail,
                          json_t *take_extra)
{
    json_t *problem =
        json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title", MHD_get_reason_phrase_for((unsigned)status),
                  "status", status, "detail", text_json(detail));
    if (field && field[0]) json_object_set_new(problem, "field", text_json(field));
    if (line > 0) json_object_set_new(problem, "line", json_integer(line));
    if (take_extra) json_object_update_missing(problem, take_extra);
    json_decref(take_extra);
    if (status == 500) log_event(LOG_ERROR, "failed to answer %s %s: %s", r->method, r->path, detail);
    reply_as(r, status, problem_type, problem);
}

static int http_status_of(enum lathe_status status)
{
    switch (status) {
    case LATHE_OK:
        return 200;
    case LATHE_INVALID:
        return 400;
    case LATHE_DENIED:
        return 403;
    case LATHE_NOT_FOUND:
        return 404;
    case LATHE_CONFLICT:
        return 409;
    case LATHE_INFEASIBLE:
    case LATHE_UNSUPPORTED:
        return 422;
    case LATHE_CANCELLED:
        return 499;
    case LATHE_TIMEOUT:
        return 504;
    case LATHE_FULL:
        return 507;
    case LATHE_IO:
    case LATHE_NO_MEMORY:
    case LATHE_NEWER:
        break;
    }
    return 500;
}

void http_reply_error(struct http_request *r, const struct lathe_error *err, json_t *take_extra)
{
    if (err->status == LATHE_CANCELLED && atomic_load(&r->server->stopping)) {
        http_reply_problem(r, 503, NULL, take_extra, "the server is stopping: ask again when it is back");
        return;
    }
    reply_problem(r, http_status_of(err->status), err->field, err->line, err->message, take_extra);
}

void http_reply_problem(struct http_request *r, int status, const char *field, json_t *take_extra, const char *format,
                        ...)
{
    char detail[600];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    reply_problem(r, status, field, 0, detail, take_extra);
}
