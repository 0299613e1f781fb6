/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/predictor_cache.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "lut/base/text.h"
#include "server/store/store.h"

enum { FILE_BYTES_MOST = 64 * 1024 * 1024 };
static const char suffix[] = ".safetensors";

struct loaded {
    struct held_predictor held; /* first: a held_predictor is a loaded */
    char revision[40];          /* "" for shipped ones */
    struct predictor *predictor;
    char *file; /* shipped ones only */
    size_t file_size;
    int holders; /* the cache itself is one */
    struct loaded *next;
};

struct predictor_cache {
    struct kv *kv;
    const struct catalog *spaces;
    pthread_mutex_t lock; /* guards what follows and every loaded's holders */
    struct loaded *shipped, *stored;
};

static void unload(struct loaded *l)
{
    if (!l) return;
    predictor_free(l->predictor);
    json_decref(l->held.document);
    free(l->file);
    free(l);
}

static void drop(struct loaded *l)
{
    if (--l->holders == 0) unload(l);
}

/* Load a file and describe it. @param document what the store keeps of it; borrowed. */
static enum lathe_status load(const struct catalog *spaces, const char *id, const json_t *document, const void *file,
                              size_t size, struct loaded **out, struct lathe_error *err)
{
    const char *space_id = json_string_value(json_object_get(document, "space"));
    const struct space *space = catalog_find(spaces, space_id);
    if (!space)
        return error_field(err, "space", "there is no space %s: add it with PUT /v1/spaces/%s", space_id, space_id);
    struct loaded *l = calloc(1, sizeof *l);
    if (!l) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = predictor_load(file, size, space, &l->predictor, err);
    if (st) {
        free(l);
        return st;
    }
    snprintf(l->held.id, sizeof l->held.id, "%s", id);
    const char *revision = json_string_value(json_object_get(document, "revision"));
    snprintf(l->revision, sizeof l->revision, "%s", revision ? revision : "");
    l->held.predictor = l->predictor;
    l->held.document = predictor_describe(l->predictor);
    json_object_set_new(l->held.document, "id", json_string(id));
    json_object_set_new(l->held.document, "bytes", json_integer((json_int_t)size));
    static const char *const kept[] = {"origin", "created", "training"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        json_t *value = json_object_get(document, kept[i]);
        if (value) json_object_set(l->held.document, kept[i], value);
    }
    l->holders = 1;
    *out = l;
    return LATHE_OK;
}

/* ---- shipped ones ---- */

static enum lathe_status load_shipped(struct predictor_cache *c, const char *dir, const char *file,
                                      struct lathe_error *err)
{
    char path[4096];
    char id[65];
    char space_id[65];
    char *bytes;
    size_t size;
    struct loaded *l;
    snprintf(path, sizeof path, "%s/%s", dir, file);
    snprintf(id, sizeof id, "%.*s", (int)(strlen(file) - strlen(suffix)), file);
    enum lathe_status st = file_read(path, FILE_BYTES_MOST, &bytes, &size, err);
    if (st) return st;
    st = predictor_file_space(bytes, size, space_id, err);
    json_t *document = json_pack("{s:s, s:s}", "space", space_id, "origin", "shipped");
    if (!st) st = load(c->spaces, id, document, bytes, size, &l, err);
    json_decref(document);
    if (st) {
        struct lathe_error why = err ? *err : (struct lathe_error){0};
        free(bytes);
        return error_set(err, st, "%s can't be used: %s", path, why.message);
    }
    l->file = bytes;
    l->file_size = size;
    struct loaded **at = &c->shipped; /* in order of id */
    while (*at && strcmp((*at)->held.id, id) < 0) at = &(*at)->next;
    l->next = *at;
    *at = l;
    return LATHE_OK;
}

enum lathe_status predictor_cache_new(struct kv *kv, const struct catalog *spaces, const char *shipped_dir,
                                      struct predictor_cache **out, struct lathe_error *err)
{
    struct predictor_cache *c = calloc(1, sizeof *c);
    if (!c) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    c->kv = kv;
    c->spaces = spaces;
    pthread_mutex_init(&c->lock, NULL);
    DIR *dir = opendir(shipped_dir);
    if (!dir) {
        predictor_cache_free(c);
        return error_set(err, LATHE_NOT_FOUND, "can't read %s: %s", shipped_dir, strerror(errno));
    }
    enum lathe_status st = LATHE_OK;
    struct dirent *entry;
    while (!st && (entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        bool ours = n > strlen(suffix) && n < 64 && strcmp(entry->d_name + n - strlen(suffix), suffix) == 0;
        if (ours) st = load_shipped(c, shipped_dir, entry->d_name, err);
    }
    closedir(dir);
    if (st) {
        predictor_cache_free(c);
        return st;
    }
    *out = c;
    return LATHE_OK;
}

static void free_list(struct loaded *l)
{
    while (l) {
        struct loaded *next = l->next;
        unload(l);
        l = next;
    }
}

void predictor_cache_free(struct predictor_cache *c)
{
    if (!c) return;
    free_list(c->shipped);
    free_list(c->stored);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct loaded *find_shipped(const struct predictor_cache *c, const char *id, const struct space *space)
{
    for (struct loaded *l = c->shipped; l; l = l->next)
        if (id ? strcmp(l->held.id, id) == 0 : predictor_space(l->predictor) == space) return l;
    return NULL;
}

/* ---- stored ones ---- */

static enum lathe_status copy_bytes(const void *bytes, size_t n, char **out, size_t *size, struct lathe_error *err)
{
    char *copy = malloc(n + 1);
    if (!copy) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    memcpy(copy, bytes, n);
    *out = copy;
    *size = n;
    return LATHE_OK;
}

/* Document and file of one snapshot. @param[out] file malloc'd. */
static enum lathe_status read_stored(struct predictor_cache *c, const char *id, json_t **document, char **file,
                                     size_t *size, struct lathe_error *err)
{
    char key[KV_KEY_BYTES];
    struct kv_txn *txn;
    struct kv_slice bytes;
    snprintf(key, sizeof key, "predictor-file/%.64s", id);
    enum lathe_status st = kv_read_begin(c->kv, &txn, err);
    if (st) return st;
    st = store_get(txn, "predictor", id, document, err);
    if (!st && file) {
        st = kv_get(txn, KV_KEY(key), &bytes, err);
        if (!st) st = copy_bytes(bytes.data, bytes.size, file, size, err);
        if (st) json_decref(*document);
    }
    kv_read_end(txn);
    return st;
}

/* Take what is loaded under an id and revision, for the space as it is now: its id may have got a new document. Call it
 * with the lock held. */
static struct loaded *take_loaded(struct predictor_cache *c, const char *id, const char *revision)
{
    for (struct loaded *l = c->stored; l; l = l->next) {
        if (strcmp(l->held.id, id) != 0 || strcmp(l->revision, revision) != 0) continue;
        const struct space *space = predictor_space(l->predictor);
        if (catalog_find(c->spaces, space_id(space)) != space) return NULL;
        l->holders++;
        return l;
    }
    return NULL;
}

/* The newest revision replaces what the cache has under its id. Call it with the lock held. */
static void keep(struct predictor_cache *c, struct loaded *l)
{
    for (struct loaded **at = &c->stored; *at; at = &(*at)->next) {
        if (strcmp((*at)->held.id, l->held.id) != 0) continue;
        struct loaded *old = *at;
        *at = old->next;
        drop(old);
        break;
    }
    l->next = c->stored;
    c->stored = l;
    l->holders++;
}

static enum lathe_status hold_stored(struct predictor_cache *c, const char *id, struct loaded **out,
                                     struct lathe_error *err)
{
    json_t *document;
    char *file;
    size_t size = 0;
    enum lathe_status st = read_stored(c, id, &document, NULL, NULL, err);
    if (st) return st;
    pthread_mutex_lock(&c->lock);
    const char *revision = json_string_value(json_object_get(document, "revision"));
    *out = revision ? take_loaded(c, id, revision) : NULL;
    pthread_mutex_unlock(&c->lock);
    json_decref(document);
    if (*out) return LATHE_OK;
    st = read_stored(c, id, &document, &file, &size, err);
    if (st) return st;
    struct loaded *l = NULL;
    st = load(c->spaces, id, document, file, size, &l, err);
    free(file);
    json_decref(document);
    if (st || !l) return st;
    *out = l;
    pthread_mutex_lock(&c->lock);
    keep(c, l);
    pthread_mutex_unlock(&c->lock);
    return LATHE_OK;
}

enum lathe_status predictor_hold(struct predictor_cache *c, const char *id, const struct space *space,
                                 struct held_predictor **out, struct lathe_error *err)
{
    struct loaded *l;
    pthread_mutex_lock(&c->lock);
    l = find_shipped(c, id, space);
    if (l) l->holders++;
    pthread_mutex_unlock(&c->lock);
    if (!l && !id) {
        *out = NULL;
        return LATHE_OK;
    }
    if (!l) {
        enum lathe_status st = hold_stored(c, id, &l, err);
        if (st) {
            error_in_field(err, "predictor");
            return st;
        }
    }
    if (space && predictor_space(l->predictor) != space) {
        error_field(err, "predictor", "predictor %s is for space %s, not %s", l->held.id,
                    space_id(predictor_space(l->predictor)), space_id(space));
        predictor_release(c, &l->held);
        return LATHE_INVALID;
    }
    *out = &l->held;
    return LATHE_OK;
}

void predictor_release(struct predictor_cache *c, struct held_predictor *held)
{
    if (!held) return;
    pthread_mutex_lock(&c->lock);
    drop((struct loaded *)held);
    pthread_mutex_unlock(&c->lock);
}

/* ---- storing, removing, listing ---- */

struct change {
    const char *id;
    const json_t *document; /* NULL: remove */
    const void *file;
    size_t size;
    bool replaced;
};

static enum lathe_status change_in(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct change *c = context;
    char key[KV_KEY_BYTES];
    json_t *existing = NULL;
    snprintf(key, sizeof key, "predictor-file/%.64s", c->id);
    enum lathe_status st = store_get(txn, "predictor", c->id, &existing, err);
    json_decref(existing);
    c->replaced = st == LATHE_OK;
    if (st && (st != LATHE_NOT_FOUND || !c->document)) return st;
    if (!c->document) {
        st = store_delete(txn, "predictor", c->id, err);
        return st ? st : kv_delete(txn, KV_KEY(key), err);
    }
    st = store_put(txn, "predictor", c->id, c->document, err);
    return st ? st : kv_put(txn, KV_KEY(key), c->file, c->size, err);
}

static enum lathe_status refuse_shipped(const struct predictor_cache *c, const char *id, struct lathe_error *err)
{
    if (!find_shipped(c, id, NULL)) return LATHE_OK;
    error_field(err, "id", "predictor %s ships with Lathe: choose another id", id);
    if (err) err->status = LATHE_CONFLICT;
    return LATHE_CONFLICT;
}

enum lathe_status predictor_store(struct predictor_cache *c, const char *id, const char *space_id, const void *file,
                                  size_t size, const char *origin, const json_t *training, bool *replaced,
                                  struct lathe_error *err)
{
    char named[65] = "";
    char revision[40];
    char created[25];
    struct loaded *l = NULL;
    if (!text_is_name(id))
        return error_field(err, "id",
                           "an id is 1 to 64 letters, digits, '.', '_' or '-', not starting with '.' or '-'");
    enum lathe_status st = refuse_shipped(c, id, err);
    if (!st && !space_id) st = predictor_file_space(file, size, named, err);
    if (!st && !space_id && !named[0])
        st = error_field(err, "space", "the file's metadata names no space: say which with ?space=ID");
    if (st) return st;
    store_new_id("r", revision);
    clock_format(clock_wall_ms(), created);
    json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:I}", "space", space_id ? space_id : named, "origin", origin,
                                 "created", created, "revision", revision, "bytes", (json_int_t)size);
    json_object_set_new(document, "id", json_string(id));
    if (training) json_object_set(document, "training", (json_t *)training);
    /* Loading it is the check. */
    st = load(c->spaces, id, document, file, size, &l, err);
    if (!st && l) {
        json_object_update_missing(document, l->held.document); /* for lists */
        struct change change = {.id = id, .document = document, .file = file, .size = size};
        st = kv_write(c->kv, change_in, &change, err);
        *replaced = change.replaced;
        unload(l);
    }
    json_decref(document);
    return st;
}

enum lathe_status predictor_remove(struct predictor_cache *c, const char *id, struct lathe_error *err)
{
    struct change change = {.id = id};
    enum lathe_status st = refuse_shipped(c, id, err);
    return st ? st : kv_write(c->kv, change_in, &change, err);
}

enum lathe_status predictor_file(struct predictor_cache *c, const char *id, char **file, size_t *size,
                                 struct lathe_error *err)
{
    const struct loaded *l = find_shipped(c, id, NULL);
    json_t *document;
    if (!l) {
        enum lathe_status st = read_stored(c, id, &document, file, size, err);
        if (!st) json_decref(document);
        return st;
    }
    return copy_bytes(l->file, l->file_size, file, size, err);
}

/* Shipped ones and the store's, merged in order of id. */
enum lathe_status predictor_list(struct predictor_cache *c, const char *after, size_t limit, json_t **list, char *next,
                                 struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *stored;
    enum lathe_status st = kv_read_begin(c->kv, &txn, err);
    if (st) return st;
    st = store_list(txn, "predictor", after, limit + 1, &stored, next, err);
    kv_read_end(txn);
    if (st) return st;
    *list = json_array();
    next[0] = '\0';
    const struct loaded *ship = c->shipped;
    while (ship && after && strcmp(ship->held.id, after) <= 0) ship = ship->next;
    for (size_t i = 0; ship || i < json_array_size(stored);) {
        json_t *document = json_array_get(stored, i);
        const char *id = json_string_value(json_object_get(document, "id"));
        bool shipped_first = ship && (!id || strcmp(ship->held.id, id) < 0);
        if (json_array_size(*list) == limit) {
            snprintf(next, 65, "%s", json_string_value(json_object_get(json_array_get(*list, limit - 1), "id")));
            break;
        }
        json_array_append(*list, shipped_first ? ship->held.document : document);
        if (shipped_first) ship = ship->next;
        else i++;
    }
    json_decref(stored);
    for (size_t i = 0; i < json_array_size(*list); i++) {
        json_t *copy = json_copy(json_array_get(*list, i));
        json_object_del(copy, "schema");
        json_object_del(copy, "revision");
        json_array_set_new(*list, i, copy);
    }
    return LATHE_OK;
}
