/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which explanation of a night needs the fewest changes: the level of the whole device, kinds of layers, stages of the
 * space. The sentinel can't tell: it is made of the same layers. When the kernel that nine rows of ten run by is a
 * tenth slower, "the device is slower and everything else faster" fits as well, but is three changes where one does.
 *
 * Rows are put together in cells, one for each kind within each stage. A cell's change is the device's level plus the
 * effects of the groups that hold the cell. Each group that is given an effect costs a penalty; a level costs by how
 * unusual it is for the device, at most as much as a group. Chosen is what costs least. Threads: any. */
#ifndef LATHE_NIGHTLY_MODEL_H
#define LATHE_NIGHTLY_MODEL_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CELLS_MAX = 64, /* further ones join the last */
    GROUPS_MAX = 96,
    CHOSEN_MAX = 8, /* groups that one explanation has at most */
};

struct cell {
    int kind, stage;
    size_t rows;
};

enum group_scope { GROUP_KIND, GROUP_STAGE, GROUP_CELL };

/* GROUP_CELL: a cell that no kind or stage is alone with. It is no finding, but keeps what is odd about a few rows from
 * being made a change of groups that hold them. */
struct group {
    enum group_scope scope;
    int number;
};

struct model {
    struct cell cells[CELLS_MAX];
    size_t cell_count;
    struct group groups[GROUPS_MAX];
    size_t group_count;
};

void model_init(struct model *);
/** The cell of a row, made when there is none. @return its number. */
size_t model_cell(struct model *, int kind, int stage);
/** After all cells are there: find the groups. */
void model_groups(struct model *);
bool model_holds(const struct model *, size_t group, size_t cell);

/* What is known of each cell: NAN where nothing was measured. */
struct cell_data {
    double centre[CELLS_MAX], variance[CELLS_MAX];
};

struct explanation {
    size_t chosen[CHOSEN_MAX];
    size_t count;
    double level, level_variance;
    bool unusual; /* the level is beyond what the device does from night to night */
    double effect[CHOSEN_MAX], effect_variance[CHOSEN_MAX];
    double cost;
};

/** The effects of given groups. @param usual variance of the device's level from night to night. */
void model_fit(const struct model *, const struct cell_data *, double usual, const size_t *chosen, size_t count,
               struct explanation *out);
/** The explanation that costs least. @param most groups at once up to which all sets are looked at; from there on one
 * is added at a time. */
void model_explain(const struct model *, const struct cell_data *, double usual, size_t most, struct explanation *out);
/** What an explanation says of a cell. */
double model_predict(const struct model *, const struct explanation *, size_t cell);

#endif
