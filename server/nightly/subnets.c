/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Shipped subnets as wholes: two nights' visits by ranks. */
#include <math.h>
#include <stdlib.h>

#include "server/nightly/decide/ranks.h"
#include "server/nightly/findings.h"

static size_t put_visits(const json_t *visits, bool now, struct ranked *out)
{
    size_t n = 0;
    size_t i;
    const json_t *ms;
    json_array_foreach(visits, i, ms)
    {
        double value = json_number_value(ms);
        if (value > 0) out[n++] = (struct ranked){.value = log(value), .now = now};
    }
    return n;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of one night, in ms. */
static double middle_of(const struct ranked *s, size_t n, double *room)
{
    for (size_t i = 0; i < n; i++) room[i] = s[i].value;
    qsort(room, n, sizeof *room, by_size);
    return exp(n % 2 ? room[n / 2] : (room[n / 2 - 1] + room[n / 2]) / 2);
}

bool subnet_compare(const json_t *before_visits, const json_t *now_visits, size_t least, struct subnet_change *out)
{
    size_t room = json_array_size(before_visits) + json_array_size(now_visits) + 1;
    struct ranked *s = malloc(room * sizeof *s);
    double *values = malloc(room * sizeof *values);
    struct rank_shift shift;
    bool compared = false;
    size_t before = s ? put_visits(before_visits, false, s) : 0;
    size_t now = s ? put_visits(now_visits, true, s + before) : 0;
    if (!s || !values || before < least || now < least) goto out;
    out->before_ms = middle_of(s, before, values);
    out->now_ms = middle_of(s + before, now, values);
    out->before_count = before;
    out->now_count = now;
    if (rank_test(s, before + now, &out->p, NULL) || rank_shift(s, before + now, &shift, NULL)) goto out;
    out->ratio = exp(shift.shift);
    out->lower = exp(shift.lower);
    out->upper = exp(shift.upper);
    compared = isfinite(shift.shift);
out:
    free(s);
    free(values);
    return compared;
}
