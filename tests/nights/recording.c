/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "tests/nights/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int kind_of(const char *name)
{
    static const char *const names[SIM_KINDS] = {"conv2d", "mbconv", "avgpool", "linear"};
    for (int k = 0; k < SIM_KINDS; k++)
        if (strcmp(names[k], name) == 0) return k;
    return -1;
}

/* "row KIND STAGE LAYER" */
static bool read_layer(char *line, struct recording *r)
{
    char *save;
    strtok_r(line, " ", &save);
    const char *kind = strtok_r(NULL, " ", &save);
    const char *stage = strtok_r(NULL, " ", &save);
    if (!kind || !stage || r->rows == SIM_LAYERS) return false;
    r->layers[r->rows].kind = kind_of(kind);
    r->layers[r->rows].stage = (int)strtol(stage, NULL, 10);
    return r->layers[r->rows++].kind >= 0;
}

/* "NETWORK:NS,NS,NS" */
static bool read_network(char *text, struct recorded_row *row)
{
    char *at;
    size_t n = row->networks;
    if (n == RECORDED_NETWORKS) return false;
    row->network[n] = (uint32_t)strtoul(text, &at, 10);
    while (row->visits[n] < RECORDED_ROUNDS && (*at == ':' || *at == ',')) {
        double ns = strtod(at + 1, &at);
        if (!(ns > 0)) return false;
        row->ms[n][row->visits[n]++] = ns / 1e6;
    }
    row->networks++;
    return row->visits[n] > 0;
}

static bool read_row(char *line, struct recorded_row *row)
{
    char *save;
    strtok_r(line, " \n", &save);
    for (char *network; (network = strtok_r(NULL, " \n", &save));)
        if (!read_network(network, row)) return false;
    return row->networks > 0;
}

static bool read_line(char *line, struct recording *r, size_t *row)
{
    if (line[0] == '#') return true;
    if (strncmp(line, "row ", 4) == 0) return read_layer(line, r);
    if (strncmp(line, "night ", 6) == 0) {
        bool whole = r->nights == 0 || *row == r->rows;
        *row = 0;
        return whole && r->nights++ < RECORDED_NIGHTS;
    }
    if (strncmp(line, "visits ", 7) != 0 || r->nights == 0 || *row == r->rows) return false;
    return read_row(line, &r->night[r->nights - 1][(*row)++]);
}

enum lathe_status recording_read(const char *path, struct recording **out, struct lathe_error *err)
{
    FILE *f = fopen(path, "re");
    struct recording *r = calloc(1, sizeof *r);
    char *line = NULL;
    size_t room = 0;
    size_t row = 0;
    int number = 0;
    enum lathe_status st = LATHE_OK;
    if (!r || !f) {
        if (f) (void)fclose(f);
        free(r);
        return f ? error_set(err, LATHE_NO_MEMORY, "no memory for a recording")
                 : error_set(err, LATHE_IO, "failed to open %s", path);
    }
    while (!st && getline(&line, &room, f) >= 0) {
        number++;
        if (!read_line(line, r, &row)) st = error_line(err, number, "%s is no recording of nights", path);
    }
    if (!st && (r->rows != SIM_LAYERS || row != r->rows))
        st = error_line(err, number, "%s lacks rows: a night has %d", path, SIM_LAYERS);
    free(line);
    (void)fclose(f);
    if (st) {
        free(r);
        return st;
    }
    *out = r;
    return LATHE_OK;
}

void recording_free(struct recording *r)
{
    free(r);
}
