/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The spaces that a server knows: those that ship with it, and those that users put. Threads: see each function. */
#ifndef LATHE_SPACES_CATALOG_H
#define LATHE_SPACES_CATALOG_H

#include "server/spaces/space.h"

struct catalog;

/** Load every *.json of a folder. @param dir the catalog's folder, e.g. PREFIX/share/lathe/spaces.
 *  @return LATHE_NOT_FOUND (no such folder), LATHE_INVALID (a document is bad or its id is there twice; err names the
 *          file), LATHE_IO, LATHE_NO_MEMORY. */
enum lathe_status catalog_open(const char *dir, struct catalog **out, struct lathe_error *err);
void catalog_free(struct catalog *);
/** Borrowed; lives as long as the catalog, also when a later catalog_put() replaces the id. Any thread. */
const struct space *catalog_find(const struct catalog *, const char *id);
/** Whether an id is one of those that catalog_open() loaded: they can't be replaced. Any thread. */
bool catalog_is_shipped(const struct catalog *, const char *id);
/** Ids in order, for listing: visit until it returns false. The visitor may use the catalog. Any thread. */
void catalog_each(const struct catalog *, bool (*visit)(void *, const struct space *), void *context);
/** Add or replace a space. The catalog takes it, also when this fails. Any thread.
 *  @return LATHE_CONFLICT for a shipped id, LATHE_NO_MEMORY. */
enum lathe_status catalog_put(struct catalog *, struct space *take, struct lathe_error *err);

#endif
