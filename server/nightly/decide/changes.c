/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/changes.h"

#include <math.h>

#include "server/nightly/decide/probability.h"

enum {
    SIDE_MIN = 2, /* numbers on either side of a split: fewer have no spread */
    RAMP_MIN = 5,
};

static const double strict_p = 0.001;
static const double lenient_p = 0.01;

struct moments {
    double mean, squares; /* squares: of deviations from the mean, summed */
};

static struct moments moments_of(const double *x, size_t from, size_t to)
{
    struct moments m = {0};
    for (size_t i = from; i < to; i++) m.mean += x[i] / (double)(to - from);
    for (size_t i = from; i < to; i++) m.squares += (x[i] - m.mean) * (x[i] - m.mean);
    return m;
}

/* Student's t between x[from..at) and x[at..to), times the places where the split could have been. */
static double split_p(const double *x, size_t from, size_t at, size_t to, double *step)
{
    struct moments left = moments_of(x, from, at);
    struct moments right = moments_of(x, at, to);
    double m = (double)(at - from);
    double n = (double)(to - at);
    double places = m + n - 2 * SIDE_MIN + 1;
    double error = sqrt((left.squares + right.squares) / (m + n - 2) * (1 / m + 1 / n));
    *step = right.mean - left.mean;
    /* Numbers that a clock's ticks made equal: rounding is no difference. */
    if (fabs(*step) <= 1e-12 * fmax(fabs(left.mean), fabs(right.mean))) return 1;
    return fmin(1, places * student_p(*step / error, m + n - 2));
}

static double distances(const double *x, size_t i, size_t from, size_t to)
{
    double sum = 0;
    for (size_t k = from; k < to; k++) sum += fabs(x[i] - x[k]);
    return sum;
}

static double pairs(double n)
{
    return n * (n - 1) / 2;
}

/* The split of x[from..to) with the greatest energy distance, scaled by the sides' sizes. */
static size_t best_split(const double *x, size_t from, size_t to)
{
    double left = 0;
    double right = 0;
    double between = 0;
    double most = -INFINITY;
    size_t best = from + SIDE_MIN;
    for (size_t i = from; i < to; i++) right += distances(x, i, i + 1, to);
    for (size_t at = from + 1; at + SIDE_MIN <= to; at++) {
        double to_left = distances(x, at - 1, from, at - 1); /* the number that changes sides */
        double to_right = distances(x, at - 1, at, to);
        left += to_left;
        right -= to_right;
        between += to_right - to_left;
        if (at < from + SIDE_MIN) continue;
        double m = (double)(at - from);
        double n = (double)(to - at);
        double distance = m * n / (m + n) * (2 * between / (m * n) - left / pairs(m) - right / pairs(n));
        if (distance > most) {
            most = distance;
            best = at;
        }
    }
    return best;
}

/* Keep places in order and once each. */
static size_t insert(struct change_point *points, size_t count, size_t at)
{
    size_t i = count;
    while (i > 0 && points[i - 1].at > at) i--;
    if (i > 0 && points[i - 1].at == at) return count;
    for (size_t k = count; k > i; k--) points[k] = points[k - 1];
    points[i] = (struct change_point){.at = at};
    return count + 1;
}

static size_t divide(const double *x, size_t from, size_t to, struct change_point *out, size_t count) // NOLINT
{
    double step;
    if (to - from < 2 * SIDE_MIN) return count;
    size_t at = best_split(x, from, to);
    if (!(split_p(x, from, at, to, &step) <= lenient_p)) return count;
    count = insert(out, count, at);
    count = divide(x, from, at, out, count);
    return divide(x, at, to, out, count);
}

/* Judge each point by its neighbours. @return the weakest, or count when all are strong. */
static size_t weakest(const double *x, size_t n, struct change_point *points, size_t count)
{
    size_t worst = count;
    double most = strict_p;
    for (size_t i = 0; i < count; i++) {
        size_t from = i > 0 ? points[i - 1].at : 0;
        size_t to = i + 1 < count ? points[i + 1].at : n;
        bool judged = points[i].at - from >= SIDE_MIN && to - points[i].at >= SIDE_MIN;
        points[i].p = judged ? split_p(x, from, points[i].at, to, &points[i].step) : 1;
        if (points[i].p > most) {
            most = points[i].p;
            worst = i;
        }
    }
    return worst;
}

size_t change_points(const double *x, size_t n, size_t window, struct change_point *out)
{
    size_t count = 0;
    for (size_t from = 0;; from += (window + 1) / 2) {
        size_t to = n - from > window ? from + window : n;
        count = divide(x, from, to, out, count);
        if (to == n) break;
    }
    for (size_t i; (i = weakest(x, n, out, count)) < count;) {
        for (size_t k = i + 1; k < count; k++) out[k - 1] = out[k];
        count--;
    }
    return count;
}

/* What a straight line from 0 before `at` up to the end leaves, when its height and the level before are fitted.
 * @param gradual else a step at `at`. */
static double leaves(const double *x, size_t n, size_t at, bool gradual, double *height)
{
    double run = (double)(n - at);
    double sum_x = 0;
    double sum_s = 0;
    double ss = 0;
    double sx = 0;
    double xx = 0;
    for (size_t i = 0; i < n; i++) {
        double s = i < at ? 0 : gradual ? (double)(i - at + 1) / run : 1;
        sum_x += x[i];
        sum_s += s;
        ss += s * s;
        sx += s * x[i];
        xx += x[i] * x[i];
    }
    double count = (double)n;
    double spread = ss - sum_s * sum_s / count;
    double common = sx - sum_s * sum_x / count;
    *height = spread > 0 ? common / spread : 0;
    return xx - sum_x * sum_x / count - *height * common;
}

struct change_shape change_shape(const double *x, size_t n)
{
    struct change_shape best = {.at = n ? n - 1 : 0};
    double least = INFINITY;
    for (size_t at = 1; at < n; at++) {
        for (int gradual = 0; gradual <= (n - at >= RAMP_MIN); gradual++) {
            double height;
            double left = leaves(x, n, at, gradual, &height);
            if (left >= least) continue;
            least = left;
            best = (struct change_shape){.at = at, .step = height, .gradual = gradual};
        }
    }
    return best;
}
