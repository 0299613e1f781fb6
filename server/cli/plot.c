/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/cli/plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"

enum {
    LEFT = 70,
    RIGHT = 24,
    TOP = 48,
    BOTTOM = 58,
    LEGEND_ROW = 20,
    LEGEND_WIDTH = 170,
    LABEL_HEIGHT = 13,
    LABEL_CHARACTER = 6, /* mean width at this size */
    MARK = 5,
    BOXES_MOST = 512
};

/* Colours with contrast against white as well as against near-black (Okabe and Ito's, darkened where too light). */
static const char *const colours[PLOT_SERIES_MOST] = {"#d55e00", "#0080c0", "#009e73", "#b8860b",
                                                      "#c0589a", "#6a6fd0", "#7a8a30", "#888888"};

struct box {
    double x, y, w, h;
};

struct drawing {
    const struct plot *plot;
    struct buf out;
    double x_low, x_high, y_low, y_high; /* of the axes; x as a logarithm */
    double y_step;
    struct box taken[BOXES_MOST];
    size_t taken_count;
};

/* ---- text ---- */

/* As XML text or attribute; what XML has no character for becomes a question mark. */
static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<') buf_puts(out, "&lt;");
        else if (c == '>') buf_puts(out, "&gt;");
        else if (c == '&') buf_puts(out, "&amp;");
        else if (c == '"') buf_puts(out, "&quot;");
        else if (c == '\'') buf_puts(out, "&#39;");
        else if (c < 0x20 || c == 0x7f) buf_puts(out, "?");
        else buf_put(out, text, 1);
    }
}

static void put_text(struct drawing *d, double x, double y, const char *class, const char *anchor, const char *text)
{
    buf_printf(&d->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">", x, y, class, anchor);
    put_escaped(&d->out, text);
    buf_puts(&d->out, "</text>\n");
}

/* ---- scales ---- */

static double x_of(const struct drawing *d, double value)
{
    return LEFT + (log10(value) - d->x_low) / (d->x_high - d->x_low) * (PLOT_WIDTH - LEFT - RIGHT);
}

static double y_of(const struct drawing *d, double value)
{
    return PLOT_HEIGHT - BOTTOM - (value - d->y_low) / (d->y_high - d->y_low) * (PLOT_HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten: at most `most` steps make the range. */
static double step_of(double range, int most)
{
    static const double factors[] = {1, 2, 5, 10};
    double power = pow(10, floor(log10(range / most)));
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++)
        if (range / (factors[i] * power) <= most) return factors[i] * power;
    return 10 * power;
}

static bool has_bar(const struct plot_point *p)
{
    return p->low > 0 && p->high > p->low && isfinite(p->high);
}

static bool scale(struct drawing *d)
{
    const struct plot *p = d->plot;
    double x_low = INFINITY;
    double x_high = 0;
    double y_low = INFINITY;
    double y_high = -INFINITY;
    for (size_t i = 0; i < p->count; i++) {
        const struct plot_point *at = &p->points[i];
        if (!(at->x > 0) || !isfinite(at->x) || !isfinite(at->y)) return false;
        if (at->series < 0 || at->series >= p->series_count || at->series >= PLOT_SERIES_MOST) return false;
        x_low = fmin(x_low, has_bar(at) ? fmin(at->low, at->x) : at->x);
        x_high = fmax(x_high, has_bar(at) ? fmax(at->high, at->x) : at->x);
        y_low = fmin(y_low, at->y);
        y_high = fmax(y_high, at->y);
    }
    if (p->count == 0) return false;
    d->x_low = log10(x_low / 1.15);
    d->x_high = log10(x_high * 1.25); /* labels stand to the right */
    d->y_step = step_of(fmax(y_high - y_low, 0.1), 9);
    d->y_low = floor((y_low - 0.3 * d->y_step) / d->y_step) * d->y_step;
    d->y_high = ceil((y_high + 0.3 * d->y_step) / d->y_step) * d->y_step;
    return true;
}

/* ---- axes ---- */

static void put_x_ticks(struct drawing *d)
{
    static const int factors[] = {1, 2, 5};
    for (int power = (int)floor(d->x_low); power <= (int)ceil(d->x_high); power++) {
        for (int i = 0; i < 3; i++) {
            char text[32];
            double value = factors[i] * pow(10, power);
            double x = x_of(d, value);
            if (x < LEFT || x > PLOT_WIDTH - RIGHT) continue;
            buf_printf(&d->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" class=\"grid\"/>\n", x, TOP, x,
                       PLOT_HEIGHT - BOTTOM);
            snprintf(text, sizeof text, "%g", value);
            put_text(d, x, PLOT_HEIGHT - BOTTOM + 18, "tick", "middle", text);
        }
    }
}

static void put_y_ticks(struct drawing *d)
{
    int steps = (int)lround((d->y_high - d->y_low) / d->y_step);
    for (int i = 0; i <= steps; i++) {
        char text[32];
        double value = d->y_low + i * d->y_step;
        double y = y_of(d, value);
        buf_printf(&d->out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"grid\"/>\n", LEFT, y,
                   PLOT_WIDTH - RIGHT, y);
        snprintf(text, sizeof text, "%.6g", value);
        put_text(d, LEFT - 8, y + 4, "tick", "end", text);
    }
}

static void put_axes(struct drawing *d)
{
    put_x_ticks(d);
    put_y_ticks(d);
    buf_printf(&d->out, "<path d=\"M%d %dV%dH%d\" class=\"axis\"/>\n", LEFT, TOP, PLOT_HEIGHT - BOTTOM,
               PLOT_WIDTH - RIGHT);
    put_text(d, (LEFT + PLOT_WIDTH - RIGHT) / 2.0, PLOT_HEIGHT - 14, "name", "middle", d->plot->x_title);
    buf_printf(&d->out, "<text transform=\"translate(18 %.1f) rotate(-90)\" class=\"name\" text-anchor=\"middle\">",
               (TOP + PLOT_HEIGHT - BOTTOM) / 2.0);
    put_escaped(&d->out, d->plot->y_title);
    buf_puts(&d->out, "</text>\n");
    put_text(d, LEFT, 28, "title", "start", d->plot->title);
}

/* ---- points ---- */

static void put_mark(struct buf *out, double x, double y, int series)
{
    static const char *const shapes[PLOT_SERIES_MOST] = {
        "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z", /* circle */
        "m-4.5 -4.5h9v9h-9z",                    /* square */
        "m0 -6l5.5 10h-11z",                     /* triangle */
        "m0 -6l6 6l-6 6l-6 -6z",                 /* diamond */
        "m0 6l5.5 -10h-11z",                     /* triangle, upside down */
        "m-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",    /* plus */
        "m-6 0l3 -5.2h6l3 5.2l-3 5.2h-6z",       /* hexagon */
        "m-5.5 -3.5h11v7h-11z",                  /* bar */
    };
    buf_printf(out, "<path d=\"M%.1f %.1f%s\" fill=\"%s\" class=\"mark\"/>", x, y, shapes[series], colours[series]);
}

static void take(struct drawing *d, struct box box)
{
    if (d->taken_count < BOXES_MOST) d->taken[d->taken_count++] = box;
}

static bool is_free(const struct drawing *d, const struct box *b)
{
    if (b->x < LEFT || b->x + b->w > PLOT_WIDTH - RIGHT || b->y < TOP || b->y + b->h > PLOT_HEIGHT - BOTTOM)
        return false;
    for (size_t i = 0; i < d->taken_count; i++) {
        const struct box *t = &d->taken[i];
        if (b->x < t->x + t->w && t->x < b->x + b->w && b->y < t->y + t->h && t->y < b->y + b->h) return false;
    }
    return true;
}

/* Where a point with its interval begins and ends. */
static double left_of(const struct drawing *d, const struct plot_point *p)
{
    double x = x_of(d, p->x) - MARK;
    return has_bar(p) ? fmin(x_of(d, p->low), x) : x;
}

static double right_of(const struct drawing *d, const struct plot_point *p)
{
    double x = x_of(d, p->x) + MARK;
    return has_bar(p) ? fmax(x_of(d, p->high), x) : x;
}

static void put_points(struct drawing *d)
{
    for (size_t i = 0; i < d->plot->count; i++) {
        const struct plot_point *p = &d->plot->points[i];
        double x = x_of(d, p->x);
        double y = y_of(d, p->y);
        buf_puts(&d->out, "<g class=\"point\">");
        if (has_bar(p))
            buf_printf(&d->out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"%s\" class=\"bar\"/>", x_of(d, p->low), y,
                       x_of(d, p->high), colours[p->series]);
        put_mark(&d->out, x, y, p->series);
        buf_puts(&d->out, "<title>");
        put_escaped(&d->out, p->name);
        buf_puts(&d->out, "</title></g>\n");
        take(d, (struct box){x - MARK, y - MARK, 2 * MARK, 2 * MARK});
        take(d, (struct box){left_of(d, p), y - 1, right_of(d, p) - left_of(d, p), 2});
    }
}

/* Characters of a UTF-8 text. */
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Beside, below or above its point, whatever is free first. A label without room is left out: the point's own text
 * says what it is. */
static void put_label(struct drawing *d, const struct plot_point *p)
{
    double x = x_of(d, p->x);
    double y = y_of(d, p->y);
    double w = (double)width_of(p->label) * LABEL_CHARACTER;
    const struct box places[] = {
        {right_of(d, p) + 3, y - LABEL_HEIGHT / 2.0, w, LABEL_HEIGHT},
        {left_of(d, p) - 3 - w, y - LABEL_HEIGHT / 2.0, w, LABEL_HEIGHT},
        {x + 2, y + MARK + 2, w, LABEL_HEIGHT},
        {x - w / 2, y - MARK - 2 - LABEL_HEIGHT, w, LABEL_HEIGHT},
        {x - w - 2, y + MARK + 2, w, LABEL_HEIGHT},
        {x + 2, y - MARK - 2 - LABEL_HEIGHT, w, LABEL_HEIGHT},
        {x - w / 2, y + MARK + 2 + LABEL_HEIGHT, w, LABEL_HEIGHT},
    };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (!is_free(d, &places[i])) continue;
        take(d, places[i]);
        put_text(d, places[i].x, places[i].y + LABEL_HEIGHT - 3, "label", "start", p->label);
        return;
    }
}

static void put_labels(struct drawing *d)
{
    for (size_t i = 0; i < d->plot->count; i++)
        if (d->plot->points[i].label) put_label(d, &d->plot->points[i]);
}

/* ---- fronts ---- */

void plot_front(const struct plot_point *points, size_t count, int series, unsigned char *on)
{
    for (size_t i = 0; i < count; i++) {
        on[i] = points[i].series == series;
        for (size_t j = 0; on[i] && j < count; j++) {
            const struct plot_point *a = &points[i];
            const struct plot_point *b = &points[j];
            if (b->series == series && b->x <= a->x && b->y >= a->y && (b->x < a->x || b->y > a->y)) on[i] = 0;
        }
    }
}

static void put_line(struct drawing *d, int series, const unsigned char *on)
{
    const struct plot *p = d->plot;
    double before = 0;
    int drawn = 0;
    for (size_t step = 0; step < p->count; step++) {
        const struct plot_point *next = NULL; /* the next one to the right */
        for (size_t i = 0; i < p->count; i++)
            if (on[i] && p->points[i].x > before && (!next || p->points[i].x < next->x)) next = &p->points[i];
        if (!next) break;
        if (!drawn++) buf_puts(&d->out, "<path d=\"");
        buf_printf(&d->out, "%c%.1f %.1f", drawn == 1 ? 'M' : 'L', x_of(d, next->x), y_of(d, next->y));
        before = next->x;
    }
    if (drawn) buf_printf(&d->out, "\" stroke=\"%s\" class=\"front\"/>\n", colours[series]);
}

static bool put_fronts(struct drawing *d)
{
    unsigned char *on = malloc(d->plot->count);
    if (!on) return false;
    for (int s = 0; s < d->plot->series_count; s++) {
        plot_front(d->plot->points, d->plot->count, s, on);
        put_line(d, s, on);
    }
    free(on);
    return true;
}

/* ---- the rest ---- */

/* Bottom right: what costs much gains much, so that nothing is there. */
static void put_legend(struct drawing *d)
{
    int rows = d->plot->series_count;
    double x = PLOT_WIDTH - RIGHT - LEGEND_WIDTH;
    double y = PLOT_HEIGHT - BOTTOM - 10 - rows * LEGEND_ROW;
    take(d, (struct box){x - 10, y - 6, LEGEND_WIDTH + 10, rows * LEGEND_ROW + 10});
    buf_printf(&d->out,
               "<g class=\"legend\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" class=\"panel\"/>\n", x - 10,
               y - 6, LEGEND_WIDTH + 4, rows * LEGEND_ROW + 8);
    for (int s = 0; s < rows; s++) {
        put_mark(&d->out, x + 4, y + s * LEGEND_ROW + 8, s);
        put_text(d, x + 18, y + s * LEGEND_ROW + 12, "label", "start", d->plot->series[s]);
    }
    buf_puts(&d->out, "</g>\n");
}

static void put_head(struct drawing *d)
{
    buf_printf(
        &d->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
        "aria-labelledby=\"plot-title plot-description\">\n<title id=\"plot-title\">",
        PLOT_WIDTH, PLOT_HEIGHT, PLOT_WIDTH, PLOT_HEIGHT);
    put_escaped(&d->out, d->plot->title);
    buf_puts(&d->out, "</title>\n<desc id=\"plot-description\">");
    put_escaped(&d->out, d->plot->description);
    buf_puts(&d->out, "</desc>\n<style>\n"
                      "text{font-family:system-ui,sans-serif;fill:#222}\n"
                      ".title{font-size:17px;font-weight:600}.name{font-size:14px}.tick{font-size:12px}"
                      ".label{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-opacity:.8}\n"
                      ".paper{fill:#fff}.panel{fill:#fff;fill-opacity:.85;stroke:#ccc}\n"
                      ".grid{stroke:#e4e4e4}.axis{stroke:#555;fill:none}\n"
                      ".front{fill:none;stroke-width:2;stroke-opacity:.6}.bar{stroke-width:1.5}.mark{stroke:#fff;"
                      "stroke-width:.8}\n"
                      "@media (prefers-color-scheme:dark){text{fill:#ddd}.label{stroke:#16181d}.paper{fill:#16181d}"
                      ".panel{fill:#16181d;stroke:#444}.grid{stroke:#2c3038}.axis{stroke:#999}.mark{stroke:#16181d}}\n"
                      "</style>\n");
    buf_printf(&d->out, "<rect width=\"%d\" height=\"%d\" class=\"paper\"/>\n", PLOT_WIDTH, PLOT_HEIGHT);
}

char *plot_svg(const struct plot *plot)
{
    struct drawing d = {.plot = plot};
    if (!scale(&d)) return NULL;
    buf_init(&d.out);
    put_head(&d);
    put_axes(&d);
    bool drawn = put_fronts(&d);
    put_points(&d);
    put_legend(&d);
    put_labels(&d);
    buf_puts(&d.out, "</svg>\n");
    if (drawn) return buf_take(&d.out, NULL);
    buf_clear(&d.out);
    return NULL;
}
