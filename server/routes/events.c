/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/events.h"

#include <stdio.h>
#include <string.h>

#include "server/nightly/nightly.h"
#include "server/routes/agents.h"
#include "server/routes/device_states.h"
#include "server/routes/tables.h"

/* ---- resources ---- */

static enum lathe_status read_device(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return device_read(app, id, out, err);
}

static enum lathe_status read_profile(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return jobs_get(((struct app *)app)->jobs, "profile", id, out, err);
}

static enum lathe_status read_measurement(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return jobs_get(((struct app *)app)->jobs, "measurement", id, out, err);
}

static enum lathe_status read_clean(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return jobs_get(((struct app *)app)->jobs, "clean", id, out, err);
}

static enum lathe_status read_table(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    char device[65];
    size_t n = strcspn(id, "/");
    if (n >= sizeof device || !id[n]) return error_set(err, LATHE_NOT_FOUND, "no table %s", id);
    snprintf(device, sizeof device, "%.*s", (int)n, id);
    return table_read(((struct app *)app)->kv, (struct table_id){device, id + n + 1}, 0, out, err);
}

static enum lathe_status read_predictor(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return predictor_read(((struct app *)app)->predictors, id, out, err);
}

static enum lathe_status read_space(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return space_read(((struct app *)app)->kv, id, out, err);
}

static enum lathe_status read_agent(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return agent_read(app, id, out, err);
}

static enum lathe_status read_run(void *app, const char *id, json_t **out, struct lathe_error *err)
{
    return nightly_get(((struct app *)app)->nightly, id, false, out, err);
}

static const struct event_topic topics[TOPICS] = {
    [TOPIC_DEVICE] = {"device", read_device},
    [TOPIC_PROFILE] = {"profile", read_profile},
    [TOPIC_MEASUREMENT] = {"measurement", read_measurement},
    [TOPIC_CLEAN] = {"clean", read_clean},
    [TOPIC_TABLE] = {"table", read_table},
    [TOPIC_PREDICTOR] = {"predictor", read_predictor},
    [TOPIC_SPACE] = {"space", read_space},
    [TOPIC_AGENT] = {"agent", read_agent},
    [TOPIC_RUN] = {"run", read_run},
};

/* Rows of tables are not among them: whatever changes a row changes its table's header. */
static const struct event_source sources[] = {
    {"device/", 1, TOPIC_DEVICE}, {"profile/", 1, TOPIC_PROFILE},  {"measurement/", 1, TOPIC_MEASUREMENT},
    {"clean/", 1, TOPIC_CLEAN},   {"table/", 2, TOPIC_TABLE},      {"version/", 2, TOPIC_TABLE},
    {"notes/", 2, TOPIC_TABLE},   {"scaling/", 2, TOPIC_TABLE},    {"predictor/", 1, TOPIC_PREDICTOR},
    {"space/", 1, TOPIC_SPACE},   {"agent/", 1, TOPIC_AGENT},      {"run/", 1, TOPIC_RUN},
    {"lease/", 1, TOPIC_LEASE},   {"token-name/", 1, TOPIC_TOKEN}, {0},
};

/* Whose token was revoked hears nothing any more. */
static void cut_token(void *context, unsigned topic, const char *id)
{
    if (topic == TOPIC_TOKEN) event_hub_cut(context, id);
}

enum lathe_status events_new(struct app *app, struct event_hub **out, struct lathe_error *err)
{
    const struct event_options options = {
        .kv = app->kv, .app = app, .topics = topics, .topic_count = TOPICS, .sources = sources};
    enum lathe_status st = event_hub_new(&options, out, err);
    if (!st) event_hub_listen(*out, cut_token, *out);
    return st;
}

/* ---- the route ---- */

/* "device,profile" */
static bool read_topics(struct http_request *request, uint32_t *out)
{
    const char *text = http_query(request, "topics");
    *out = text ? 0 : (UINT32_C(1) << TOPICS_TOLD) - 1;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        int topic = 0;
        while (topic < TOPICS_TOLD && (strlen(topics[topic].name) != n || strncmp(at, topics[topic].name, n) != 0))
            topic++;
        if (topic < TOPICS_TOLD) {
            *out |= UINT32_C(1) << topic;
            continue;
        }
        http_reply_problem(
            request, 400, "topics", NULL,
            "topics must be some of: device, profile, measurement, clean, table, predictor, space, agent, run, "
            "with commas between");
        return false;
    }
    return true;
}

/* GET /v1/events?topics=device,profile */
static enum http_outcome get_events(struct http_request *request)
{
    static const char *const known[] = {"topics", "last_event_id", NULL};
    struct app *app = http_app(request);
    uint32_t mask;
    if (!http_query_known(request, known) || !read_topics(request, &mask)) return HTTP_DONE;
    /* A browser that reconnects sends the header beside the parameter that its page asked with: the header is newer. */
    const char *after = http_header(request, "Last-Event-ID");
    if (!after) after = http_query(request, "last_event_id");
    return event_hub_serve(app->events, request, mask, after && after[0] ? after : NULL);
}

static const char *const event_types[] = {"text/event-stream", NULL};
const struct http_produces event_produces = {get_events, event_types};

const struct http_route event_routes[] = {
    {"GET", "/v1/events", ROLES_ANY, POOL_QUICK, 0, get_events},
    {0},
};
