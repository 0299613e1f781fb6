/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The spaces that a server knows: those that ship with it, and those that users put. Threads: see each function. */
#ifndef LATHE_SPACES_CATALOG_H
#define LATHE_SPACES_CATALOG_H

#include "server/spaces/space.h"

struct catalog;

/** Load every *.json of a folder. @param dir the catalog's folder, e.g. PREFIX/share/lathe/spaces. */
enum lathe_status catalog_open(const char *dir, struct catalog **out, struct lathe_error *err);
void catalog_free(struct catalog *);
/** Borrowed; lives as long as the catalog, also when a later catalog_put() replaces the id. Any thread. */
const struct space *catalog_find(const struct catalog *, const char *id);
/** Ids in order, for listing: visit until it returns false. Any thread. */
void catalog_each(const struct catalog *, bool (*visit)(void *, const struct space *), void *context);
/** Add or replace a space (the catalog takes it). Any thread. */
enum lathe_status catalog_put(struct catalog *, struct space *take, struct lathe_error *err);

#endif
