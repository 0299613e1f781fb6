/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/networks/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/base/json.h"

enum { FILE_MAX_BYTES = 1 << 20, ENTRIES_MOST = 1000 };

struct networks {
    struct network_entry *entries; /* by name, once all are loaded */
    size_t count, capacity;
    json_t *documents; /* that the entries borrow from */
};

static enum lathe_status read_published(const json_t *object, struct network_entry *entry, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    json_get_number(&f, "macs_m", JSON_OPTIONAL, 0.001, 1e6, &entry->published_macs_m);
    json_get_number(&f, "params_m", JSON_OPTIONAL, 0.001, 1e6, &entry->published_params_m);
    json_get_number(&f, "sram_kb", JSON_OPTIONAL, 0.001, 1e6, &entry->published_sram_kb);
    json_get_number(&f, "flash_kb", JSON_OPTIONAL, 0.001, 1e6, &entry->published_flash_kb);
    return json_fields_end(&f);
}

static enum lathe_status read_entry(const json_t *object, struct network_entry *out, struct lathe_error *err)
{
    struct json_fields f;
    struct network_entry entry = {0};
    const json_t *published = NULL;
    int64_t resolution = 0;
    json_fields_begin(&f, object, err);
    json_get_name(&f, "name", JSON_REQUIRED, &entry.name);
    json_get_string(&f, "title", JSON_REQUIRED, &entry.title);
    json_get_string(&f, "family", JSON_REQUIRED, &entry.family);
    json_get_string(&f, "source", JSON_REQUIRED, &entry.source);
    json_get_string(&f, "notes", JSON_OPTIONAL, &entry.notes);
    json_get_int(&f, "resolution", JSON_REQUIRED, 1, NETWORK_MAX_RESOLUTION, &resolution);
    json_get_number(&f, "top1", JSON_REQUIRED, 0, 1, &entry.top1);
    json_get_object(&f, "published", JSON_REQUIRED, &published);
    json_get_array(&f, "layers", JSON_REQUIRED, 1, NETWORK_MAX_LAYERS, &entry.lines);
    enum lathe_status st = json_fields_end(&f);
    if (!st) {
        st = read_published(published, &entry, err);
        if (st) error_in_field(err, "published");
    }
    entry.resolution = (int)resolution;
    if (!st) st = network_read_lines(entry.lines, entry.resolution, &entry.network, err);
    if (st) return st;
    network_id(&entry.network, entry.id);
    *out = entry;
    return LATHE_OK;
}

static enum lathe_status add_entry(struct networks *all, const struct network_entry *entry, struct lathe_error *err)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->entries[i].name, entry->name) == 0)
            return error_field(err, "name", "there is a network %s already", entry->name);
    if (all->count == all->capacity) {
        size_t capacity = all->capacity ? all->capacity * 2 : 64;
        struct network_entry *grown = realloc(all->entries, capacity * sizeof *grown);
        if (!grown) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        all->entries = grown;
        all->capacity = capacity;
    }
    all->entries[all->count++] = *entry;
    return LATHE_OK;
}

static enum lathe_status read_document(struct networks *all, const json_t *document, struct lathe_error *err)
{
    struct json_fields f;
    const json_t *list = NULL;
    json_fields_begin(&f, document, err);
    json_get_array(&f, "networks", JSON_REQUIRED, 1, ENTRIES_MOST, &list);
    enum lathe_status st = json_fields_end(&f);
    for (size_t i = 0; !st && i < json_array_size(list); i++) {
        struct network_entry entry;
        char field[40];
        st = read_entry(json_array_get(list, i), &entry, err);
        if (!st) st = add_entry(all, &entry, err);
        snprintf(field, sizeof field, "networks[%zu]", i);
        if (st) error_in_field(err, field);
    }
    return st;
}

static enum lathe_status load(struct networks *all, const char *path, struct lathe_error *err)
{
    char *text = NULL;
    size_t size = 0;
    json_t *document = NULL;
    struct lathe_error why = {0};
    enum lathe_status st = file_read(path, FILE_MAX_BYTES, &text, &size, err);
    if (st) return st;
    st = json_parse(text, size, &document, &why);
    free(text);
    if (!st) {
        json_array_append(all->documents, document);
        st = read_document(all, document, &why);
        json_decref(document);
    }
    if (!st) return LATHE_OK;
    return error_set(err, st, "%s: %s%s%s", path, why.field, why.field[0] ? ": " : "", why.message);
}

static int is_document(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct network_entry *)a)->name, ((const struct network_entry *)b)->name);
}

static enum lathe_status load_all(struct networks *all, const char *dir, struct lathe_error *err)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, is_document, alphasort);
    if (count < 0)
        return error_set(err, errno == ENOENT ? LATHE_NOT_FOUND : LATHE_IO, "can't read the networks in %s: %s", dir,
                         strerror(errno));
    enum lathe_status st = LATHE_OK;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (!st && (n < 0 || (size_t)n >= sizeof path)) st = error_set(err, LATHE_IO, "the path %s is too long", dir);
        if (!st) st = load(all, path, err);
        free(names[i]);
    }
    free(names);
    if (!st && all->count) qsort(all->entries, all->count, sizeof *all->entries, by_name);
    return st;
}

enum lathe_status networks_open(const char *dir, struct networks **out, struct lathe_error *err)
{
    struct networks *all = calloc(1, sizeof *all);
    if (!all) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    all->documents = json_array();
    enum lathe_status st = load_all(all, dir, err);
    if (st) {
        networks_free(all);
        return st;
    }
    *out = all;
    return LATHE_OK;
}

void networks_free(struct networks *all)
{
    if (!all) return;
    json_decref(all->documents);
    free(all->entries);
    free(all);
}

size_t networks_count(const struct networks *all)
{
    return all->count;
}

const struct network_entry *networks_at(const struct networks *all, size_t at)
{
    return &all->entries[at];
}

const struct network_entry *networks_find(const struct networks *all, const char *name)
{
    size_t low = 0;
    size_t high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(all->entries[middle].name, name);
        if (order == 0) return &all->entries[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}
