/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Histories as series: what each night says of the device, a group or a row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/nightly/decide/night.h"

enum lathe_status series_new(const struct night *n, struct series *out)
{
    *out = (struct series){.values = malloc(2 * n->history.columns * sizeof *out->values),
                           .columns = malloc(n->history.columns * sizeof *out->columns)};
    if (out->values && out->columns) return LATHE_OK;
    return error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu nights", n->history.columns);
}

void series_free(struct series *s)
{
    free(s->values);
    free(s->columns);
    *s = (struct series){0};
}

static void append(struct series *s, size_t column, double value)
{
    if (!isfinite(value)) return;
    s->values[s->count] = value;
    s->columns[s->count++] = column;
}

/* The first column that changes are looked for in. */
static size_t start_of(const struct night *n)
{
    return n->in->baseline > n->history.first ? n->in->baseline - n->history.first : 0;
}

/* Tonight's explanation is of what was measured tonight so far. */
static const struct explanation *explanation_of(const struct night *n, size_t column)
{
    return column + 1 == n->history.columns ? &n->why : &n->history.nights[column];
}

void series_of_level(const struct night *n, struct series *s)
{
    s->count = 0;
    for (size_t k = start_of(n); k < n->history.columns; k++)
        if (n->history.usable[k]) append(s, k, explanation_of(n, k)->level);
}

/* The groups that explain a night, and this one. */
static size_t groups_with(const struct explanation *why, size_t group, size_t *chosen)
{
    size_t count = 0;
    chosen[count++] = group;
    for (size_t i = 0; i < why->count && count < CHOSEN_MAX; i++)
        if (why->chosen[i] != group) chosen[count++] = why->chosen[i];
    return count;
}

static bool measured(const struct night *n, size_t group, size_t column)
{
    for (size_t c = 0; c < n->model.cell_count; c++)
        if (model_holds(&n->model, group, c) && isfinite(n->history.cells[column].centre[c])) return true;
    return false;
}

void series_of_group(const struct night *n, size_t group, struct series *s)
{
    size_t chosen[CHOSEN_MAX];
    struct explanation x;
    s->count = 0;
    for (size_t k = start_of(n); k < n->history.columns; k++) {
        if (!n->history.usable[k] || !measured(n, group, k)) continue;
        size_t count = groups_with(explanation_of(n, k), group, chosen);
        model_fit(&n->model, &n->history.cells[k], n->noise.level, chosen, count, &x);
        append(s, k, x.effect[0]);
    }
}

void series_of_row(const struct night *n, size_t row, struct series *s)
{
    const double *values = n->history.values + row * n->history.columns;
    s->count = 0;
    for (size_t k = start_of(n); k < n->history.columns; k++)
        if (n->history.usable[k]) append(s, k, values[k] - night_explained(n, explanation_of(n, k), row));
}
