/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A scatter plot as SVG: points in series, each with its Pareto front as a line, a logarithmic axis of a cost to the
 * right and one of a gain upward. One self-contained file: no fonts, scripts or images from elsewhere; it follows the
 * viewer's light or dark scheme, and series differ in shape as well as colour. Threads: any. */
#ifndef LATHE_CLI_PLOT_H
#define LATHE_CLI_PLOT_H

#include <stddef.h>

enum { PLOT_SERIES_MOST = 8, PLOT_WIDTH = 960, PLOT_HEIGHT = 600 };

struct plot_point {
    double x, y;       /* x above 0 */
    double low, high;  /* an interval of x, drawn as a bar; both 0: none */
    int series;        /* index, below PLOT_SERIES_MOST */
    const char *name;  /* shown when pointed at; any text */
    const char *label; /* written beside the point where there is room; NULL: nothing */
};

struct plot {
    const char *title, *description; /* any text; the description is for those who can't see it */
    const char *x_title, *y_title;
    const char *const *series; /* names */
    int series_count;
    const struct plot_point *points; /* at least one */
    size_t count;
};

/** @return malloc'd text, NUL-terminated; NULL when out of memory or a value is out of range. */
char *plot_svg(const struct plot *);

/** Mark the points of a series that no other of it beats: none has a smaller or equal x and a larger or equal y, one of
 *  them strictly. @param[out] on count flags. */
void plot_front(const struct plot_point *points, size_t count, int series, unsigned char *on);

#endif
