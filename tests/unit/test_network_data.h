/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Once-for-all's published networks, as their authors wrote them. */
#ifndef LATHE_TESTS_NETWORK_DATA_H
#define LATHE_TESTS_NETWORK_DATA_H

#include <stdio.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/base/json.h"
#include "server/networks/catalog.h"

enum { PUBLISHED = 25, PUBLISHED_PATH = 512 };

struct published {
    char name[64], directory[96];
    int resolution;
    double top1, params_m, macs_m; /* top1 in percent */
};

static inline json_t *load_document(const char *path)
{
    json_t *document = NULL;
    char *text = NULL;
    size_t size = 0;
    if (file_read(path, 1 << 20, &text, &size, NULL)) return NULL;
    if (json_parse(text, size, &document, NULL)) document = NULL;
    free(text);
    return document;
}

/** published.csv: name,directory,device,batch,latency_ms,image_size,family,stem_channels,top1,top5,params_m,macs_m.
 *  @return how many; 0: the reference figures are not here. */
static inline int load_published(struct published *out, int most)
{
    char *text = NULL;
    size_t size = 0;
    int n = 0;
    if (file_read(TEST_DATA "/ofa/published/published.csv", 1 << 20, &text, &size, NULL)) return 0;
    char *rest = strchr(text, '\n');
    while (rest && rest[1] && n < most) {
        char *line = rest + 1;
        char *cells[12];
        rest = strchr(line, '\n');
        for (int c = 0; c < 12; c++) cells[c] = strsep(&line, ",\n");
        snprintf(out[n].name, sizeof out[n].name, "%s", cells[0]);
        snprintf(out[n].directory, sizeof out[n].directory, "%s", cells[1]);
        out[n].resolution = (int)strtol(cells[5], NULL, 10);
        out[n].top1 = strtod(cells[8], NULL);
        out[n].params_m = strtod(cells[10], NULL);
        out[n].macs_m = strtod(cells[11], NULL);
        n++;
    }
    free(text);
    return n;
}

static inline json_t *load_net_config(const struct published *p)
{
    char path[PUBLISHED_PATH];
    snprintf(path, sizeof path, "%s/ofa/published/%s/net.config", TEST_DATA, p->directory);
    return load_document(path);
}

static inline struct networks *shipped_networks(void)
{
    struct networks *all = NULL;
    struct lathe_error err = {0};
    if (networks_open(SOURCE_DIR "/server/networks/catalog", &all, &err)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return all;
}

#endif
