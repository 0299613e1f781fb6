/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/cpus.h"
#include "lut/base/file.h"
#include "lut/base/json.h"
#include "lut/base/text.h"

enum { ARGUMENTS_MAX = 64, FILE_BYTES_MAX = 1024 * 1024 };

/* Control characters have no place in arguments, and a newline would end one on its way over ssh. */
static bool is_argument(const json_t *item)
{
    const char *text = json_string_value(item);
    if (!text || strlen(text) != json_string_length(item)) return false;
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return false;
    return true;
}

static enum lathe_status read_argv(const json_t *array, const char *field, const char ***out, struct lathe_error *err)
{
    size_t n = json_array_size(array);
    if (!json_is_array(array) || n < 1 || n > ARGUMENTS_MAX)
        return error_field(err, field, "%s must be a program and its arguments: an array of 1 to %d strings", field,
                           ARGUMENTS_MAX);
    const char **argv = calloc(n + 1, sizeof *argv);
    if (!argv) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        argv[i] = json_string_value(json_array_get(array, i));
        if (is_argument(json_array_get(array, i)) && (i > 0 || argv[0][0])) continue;
        free(argv);
        return error_field(err, field, "%s[%zu] must be a string without control characters", field, i);
    }
    *out = argv;
    return LATHE_OK;
}

static enum lathe_status read_device(const json_t *document, struct agent_program *p, struct lathe_error *err)
{
    struct json_fields f;
    cpu_set_t set;
    const json_t *runner = NULL;
    json_fields_begin(&f, document, err);
    json_get_string(&f, "cpus", JSON_OPTIONAL, &p->cpus);
    json_get_array(&f, "runner", JSON_OPTIONAL, 0, SIZE_MAX, &runner);
    enum lathe_status st = json_fields_end(&f);
    if (!st && p->cpus) st = cpus_parse(p->cpus, &set, err);
    return st || !runner ? st : read_argv(runner, "runner", &p->argv, err);
}

static enum lathe_status read_runtime(const json_t *document, struct agent_program *p, struct lathe_error *err)
{
    return read_argv(document, "", &p->argv, err);
}

/* The members of an object, each under a name. @param field of the object. */
static enum lathe_status read_programs(const json_t *object, const char *field,
                                       enum lathe_status (*read)(const json_t *, struct agent_program *,
                                                                 struct lathe_error *),
                                       struct agent_program **out, int *count, struct lathe_error *err)
{
    const char *name;
    json_t *value;
    if (!object) return LATHE_OK;
    *out = calloc(json_object_size(object) + 1, sizeof **out);
    if (!*out) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        char path[96];
        snprintf(path, sizeof path, "%s.%.64s", field, name);
        if (!text_is_name(name)) return error_field(err, path, "%s: \"%.64s\" is not a name", field, name);
        struct agent_program *p = &(*out)[(*count)++];
        p->name = name;
        enum lathe_status st = read(value, p, err);
        if (!st) continue;
        if (err && !err->field[0]) snprintf(err->field, sizeof err->field, "%s", path);
        else error_in_field(err, path);
        return st;
    }
    return LATHE_OK;
}

enum lathe_status agent_config_parse(const json_t *document, struct agent_config *out, struct lathe_error *err)
{
    struct agent_config c = {.document = json_deep_copy(document)};
    struct json_fields f;
    const json_t *devices = NULL;
    const json_t *runtimes = NULL;
    int64_t jobs = 0;
    json_fields_begin(&f, c.document, err);
    json_get_string(&f, "server", JSON_OPTIONAL, &c.server);
    json_get_name(&f, "name", JSON_OPTIONAL, &c.name);
    json_get_string(&f, "token_file", JSON_OPTIONAL, &c.token_file);
    json_get_string(&f, "ca_file", JSON_OPTIONAL, &c.ca_file);
    json_get_string(&f, "runner", JSON_OPTIONAL, &c.runner);
    json_get_string(&f, "bundles", JSON_OPTIONAL, &c.bundles);
    json_get_string(&f, "ssh_config", JSON_OPTIONAL, &c.ssh_config);
    json_get_int(&f, "jobs", JSON_OPTIONAL, 1, JOBS_MAX, &jobs);
    json_get_object(&f, "devices", JSON_OPTIONAL, &devices);
    json_get_object(&f, "runtimes", JSON_OPTIONAL, &runtimes);
    c.jobs = (int)jobs;
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = read_programs(devices, "devices", read_device, &c.devices, &c.device_count, err);
    if (!st) st = read_programs(runtimes, "runtimes", read_runtime, &c.runtimes, &c.runtime_count, err);
    if (st) agent_config_clear(&c);
    else *out = c;
    return st;
}

enum lathe_status agent_config_read(const char *path, struct agent_config *out, struct lathe_error *err)
{
    char *text = NULL;
    size_t size = 0;
    json_t *document = NULL;
    enum lathe_status st = file_read(path, FILE_BYTES_MAX, &text, &size, err);
    if (st) return st;
    st = json_parse(text, size, &document, err);
    free(text);
    if (!st) st = agent_config_parse(document, out, err);
    json_decref(document);
    return st;
}

static void free_programs(struct agent_program *programs, int count)
{
    for (int i = 0; i < count; i++) free(programs[i].argv);
    free(programs);
}

void agent_config_clear(struct agent_config *c)
{
    free_programs(c->devices, c->device_count);
    free_programs(c->runtimes, c->runtime_count);
    json_decref(c->document);
    *c = (struct agent_config){0};
}

static const struct agent_program *find(const struct agent_program *programs, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(programs[i].name, name) == 0) return &programs[i];
    return NULL;
}

const char *const *agent_config_program(const struct agent_config *c, const char *device, const char *runtime)
{
    const struct agent_program *p = find(c->devices, c->device_count, device);
    if (p && p->argv) return p->argv;
    p = find(c->runtimes, c->runtime_count, runtime);
    return p ? p->argv : NULL;
}

const char *agent_config_cpus(const struct agent_config *c, const char *device)
{
    const struct agent_program *p = find(c->devices, c->device_count, device);
    return p ? p->cpus : NULL;
}
