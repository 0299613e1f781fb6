/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Published networks that ship with Lathe, to compare subnets with: what their authors say of them, and their layers.
 *
 * A file of the catalog is {"networks":[..]}; README.md describes an entry. Threads: a catalog never changes after
 * networks_open(); any number of threads may use it. */
#ifndef LATHE_NETWORKS_CATALOG_H
#define LATHE_NETWORKS_CATALOG_H

#include "server/networks/network.h"

struct networks;

struct network_entry {
    const char *name, *title, *family, *source; /* all borrowed from the catalog */
    const char *notes;                          /* how the layers differ from what was published; NULL: not at all */
    int resolution;
    double top1;                                  /* fraction, as published */
    double published_macs_m, published_params_m;  /* millions; 0: not published */
    double published_sram_kb, published_flash_kb; /* on a microcontroller, as published, kB; 0: not published */
    const json_t *lines;
    struct network network; /* at its resolution */
    char id[NETWORK_ID_BYTES];
};

/** Load every *.json of a folder, e.g. PREFIX/share/lathe/networks.
 *  @return LATHE_NOT_FOUND (no such folder), LATHE_INVALID (err names file and entry), LATHE_IO, LATHE_NO_MEMORY. */
enum lathe_status networks_open(const char *dir, struct networks **out, struct lathe_error *err);
void networks_free(struct networks *);

size_t networks_count(const struct networks *);
/** By order of names. */
const struct network_entry *networks_at(const struct networks *, size_t at);
/** NULL: there is none of this name. */
const struct network_entry *networks_find(const struct networks *, const char *name);

#endif
