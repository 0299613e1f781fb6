/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/spaces/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/base/json.h"

enum { DOCUMENT_MAX_BYTES = 1 << 20 };

struct shelf_item {
    struct space *space;
    bool shipped;
    struct shelf_item *replaced; /* older spaces of the same id: somebody may still use them */
};

struct catalog {
    pthread_mutex_t lock; /* for all below */
    struct shelf_item *items;
    size_t count, capacity;
};

/* Readers take the catalog as const, and lock it all the same. */
static void lock(const struct catalog *catalog)
{
    pthread_mutex_lock((pthread_mutex_t *)&catalog->lock);
}

static void unlock(const struct catalog *catalog)
{
    pthread_mutex_unlock((pthread_mutex_t *)&catalog->lock);
}

/* The first item whose id is not before id; count when there is none. */
static size_t position_of(const struct catalog *catalog, const char *id)
{
    size_t low = 0;
    size_t high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(space_id(catalog->items[middle].space), id) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static struct shelf_item *item_of(const struct catalog *catalog, const char *id)
{
    size_t at = position_of(catalog, id);
    if (at == catalog->count || strcmp(space_id(catalog->items[at].space), id) != 0) return NULL;
    return &catalog->items[at];
}

static enum lathe_status insert(struct catalog *catalog, struct space *space, bool shipped, struct lathe_error *err)
{
    if (catalog->count == catalog->capacity) {
        size_t capacity = catalog->capacity ? catalog->capacity * 2 : 16;
        struct shelf_item *grown = realloc(catalog->items, capacity * sizeof *grown);
        if (!grown) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        catalog->items = grown;
        catalog->capacity = capacity;
    }
    size_t at = position_of(catalog, space_id(space));
    memmove(catalog->items + at + 1, catalog->items + at, (catalog->count - at) * sizeof *catalog->items);
    catalog->items[at] = (struct shelf_item){.space = space, .shipped = shipped};
    catalog->count++;
    return LATHE_OK;
}

static enum lathe_status replace(struct shelf_item *item, struct space *space, struct lathe_error *err)
{
    struct shelf_item *old = malloc(sizeof *old);
    if (!old) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    *old = *item;
    *item = (struct shelf_item){.space = space, .replaced = old};
    return LATHE_OK;
}

enum lathe_status catalog_put(struct catalog *catalog, struct space *take, struct lathe_error *err)
{
    enum lathe_status st;
    lock(catalog);
    struct shelf_item *item = item_of(catalog, space_id(take));
    if (item && item->shipped)
        st = error_set(err, LATHE_CONFLICT, "space %s ships with Lathe and can't be replaced: choose another id",
                       space_id(take));
    else if (item) st = replace(item, take, err);
    else st = insert(catalog, take, false, err);
    unlock(catalog);
    if (st) space_free(take);
    return st;
}

/* Put the file's name before the message of an error; it takes the place of field and line. */
static enum lathe_status blame(const char *path, enum lathe_status st, struct lathe_error *err)
{
    if (!err) return st;
    struct lathe_error why = *err;
    return error_set(err, st, "%s: %s%s%s", path, why.field, why.field[0] ? ": " : "", why.message);
}

static enum lathe_status load(struct catalog *catalog, const char *path, struct lathe_error *err)
{
    char *text = NULL;
    size_t size = 0;
    json_t *document = NULL;
    struct space *space = NULL;
    enum lathe_status st = file_read(path, DOCUMENT_MAX_BYTES, &text, &size, err);
    if (st) return st;
    st = json_parse(text, size, &document, err);
    if (!st) st = space_parse(document, &space, err);
    if (!st && item_of(catalog, space_id(space)))
        st = error_field(err, "id", "another document has the id %s already", space_id(space));
    if (!st) st = insert(catalog, space, true, err);
    if (st) {
        space_free(space);
        blame(path, st, err);
    }
    json_decref(document);
    free(text);
    return st;
}

static int is_document(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

static enum lathe_status load_all(struct catalog *catalog, const char *dir, struct lathe_error *err)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, is_document, alphasort);
    if (count < 0)
        return error_set(err, errno == ENOENT ? LATHE_NOT_FOUND : LATHE_IO, "can't read the spaces in %s: %s", dir,
                         strerror(errno));
    enum lathe_status st = LATHE_OK;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        if (!st && (n < 0 || (size_t)n >= sizeof path)) st = error_set(err, LATHE_IO, "the path %s is too long", dir);
        if (!st) st = load(catalog, path, err);
        free(names[i]);
    }
    free(names);
    return st;
}

enum lathe_status catalog_open(const char *dir, struct catalog **out, struct lathe_error *err)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    pthread_mutex_init(&catalog->lock, NULL);
    enum lathe_status st = load_all(catalog, dir, err);
    if (st) {
        catalog_free(catalog);
        return st;
    }
    *out = catalog;
    return LATHE_OK;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog) return;
    for (size_t i = 0; i < catalog->count; i++) {
        space_free(catalog->items[i].space);
        struct shelf_item *old = catalog->items[i].replaced;
        while (old) {
            struct shelf_item *older = old->replaced;
            space_free(old->space);
            free(old);
            old = older;
        }
    }
    free(catalog->items);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog);
}

const struct space *catalog_find(const struct catalog *catalog, const char *id)
{
    lock(catalog);
    const struct shelf_item *item = item_of(catalog, id);
    const struct space *space = item ? item->space : NULL;
    unlock(catalog);
    return space;
}

bool catalog_is_shipped(const struct catalog *catalog, const char *id)
{
    lock(catalog);
    const struct shelf_item *item = item_of(catalog, id);
    bool shipped = item && item->shipped;
    unlock(catalog);
    return shipped;
}

/* The first space after an id; NULL when there is none. */
static const struct space *next_after(const struct catalog *catalog, const char *id)
{
    lock(catalog);
    size_t at = position_of(catalog, id);
    if (at < catalog->count && strcmp(space_id(catalog->items[at].space), id) == 0) at++;
    const struct space *space = at < catalog->count ? catalog->items[at].space : NULL;
    unlock(catalog);
    return space;
}

void catalog_each(const struct catalog *catalog, bool (*visit)(void *, const struct space *), void *context)
{
    const struct space *space = next_after(catalog, "");
    while (space && visit(context, space)) space = next_after(catalog, space_id(space));
}
