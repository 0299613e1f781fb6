/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Predictors by id, loaded when first asked for: those that ship with Lathe, and those in the store.
 *
 * A stored predictor is a document (predictor/<id>) and its file (predictor-file/<id>). Each upload has a revision;
 * what is loaded is used as long as the store's revision is the same. A search holds the predictor that it uses: a new
 * revision does not disturb it. Threads: any. */
#ifndef LATHE_ROUTES_PREDICTOR_CACHE_H
#define LATHE_ROUTES_PREDICTOR_CACHE_H

#include "lut/kv/kv.h"
#include "server/predictors/predictor.h"
#include "server/spaces/catalog.h"

struct predictor_cache;

struct held_predictor {
    char id[65];
    json_t *document; /* as answers show it: {"id","space","layers",..}; owned by the holder's reference */
    const struct predictor *predictor;
};

/** Load the shipped ones: every *.safetensors of a folder, by file name. @param kv,spaces borrowed. */
enum lathe_status predictor_cache_new(struct kv *, const struct catalog *, const char *shipped_dir,
                                      struct predictor_cache **out, struct lathe_error *err);
/** Nothing may be held any more. NULL is allowed. */
void predictor_cache_free(struct predictor_cache *);

/** Hold a predictor. @param id NULL: the one that ships for the space; *out is NULL, and that no error, when none does.
 * @param space NULL: of any space; otherwise one for another space is LATHE_INVALID. Errors are about the field
 * "predictor". @param[out] out give to predictor_release(). */
enum lathe_status predictor_hold(struct predictor_cache *, const char *id, const struct space *space,
                                 struct held_predictor **out, struct lathe_error *err);
void predictor_release(struct predictor_cache *, struct held_predictor *);

/** Check and store a file under an id. @param space_id NULL: as the file's metadata says. @param origin "uploaded",
 *  "trained". @param training report to keep, borrowed; may be NULL. @param[out] replaced whether there was one.
 *  @return LATHE_CONFLICT for the id of a shipped one. */
enum lathe_status predictor_store(struct predictor_cache *, const char *id, const char *space_id, const void *file,
                                  size_t size, const char *origin, const json_t *training, bool *replaced,
                                  struct lathe_error *err);
enum lathe_status predictor_remove(struct predictor_cache *, const char *id, struct lathe_error *err);
/** The file. @param[out] file malloc'd. */
enum lathe_status predictor_file(struct predictor_cache *, const char *id, char **file, size_t *size,
                                 struct lathe_error *err);
/** Documents in order of id, after `after` (NULL: from the first). @param[out] next 65 bytes. */
enum lathe_status predictor_list(struct predictor_cache *, const char *after, size_t limit, json_t **list, char *next,
                                 struct lathe_error *err);

#endif
