/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Accept headers (RFC 9110, 12.5.1): which of a route's media types a client likes best. */
#include <stdlib.h>
#include <string.h>

#include "server/http/internal.h"

enum { NOT_NAMED = -1, Q_ONE = 1000 };

/* What one element of the header says about a media type. */
struct opinion {
    int specificity; /* NOT_NAMED; 0: any type, 1: any subtype, 2: this very one */
    int quality;     /* thousandths */
};

static size_t skip_space(const char *text)
{
    return strspn(text, " \t");
}

/* "q=0.5" among an element's parameters; 1 when there is none, 0 when it is no weight. */
static int quality_of(const char *parameters, size_t length)
{
    const char *end = parameters + length;
    for (const char *p = memchr(parameters, ';', length); p; p = memchr(p, ';', (size_t)(end - p))) {
        p++;
        p += skip_space(p);
        if (end - p < 3 || (p[0] != 'q' && p[0] != 'Q') || p[1] != '=') continue;
        char *rest;
        double q = (p[2] == '0' || p[2] == '1') ? strtod(p + 2, &rest) : 0;
        return q >= 0 && q <= 1 ? (int)(q * Q_ONE + 0.5) : 0;
    }
    return Q_ONE;
}

static struct opinion opinion_of(const char *element, size_t length, const char *type)
{
    size_t range = 0;
    size_t main_type = strcspn(type, "/") + 1;
    struct opinion o = {.specificity = NOT_NAMED};
    while (range < length && !strchr("; \t", element[range])) range++;
    if (range == strlen(type) && strncasecmp(element, type, range) == 0) o.specificity = 2;
    else if (range == main_type + 1 && element[main_type] == '*' && strncasecmp(element, type, main_type) == 0)
        o.specificity = 1;
    else if (range == 3 && memcmp(element, "*/*", 3) == 0) o.specificity = 0;
    if (o.specificity != NOT_NAMED) o.quality = quality_of(element + range, length - range);
    return o;
}

/* The most specific element decides. @param[out] place of that element in the header. */
static struct opinion header_opinion(const char *header, const char *type, int *place)
{
    struct opinion best = {.specificity = NOT_NAMED};
    for (int i = 0; *header; i++) {
        header += skip_space(header);
        size_t length = strcspn(header, ",");
        struct opinion o = opinion_of(header, length, type);
        if (o.specificity > best.specificity) {
            best = o;
            *place = i;
        }
        header += length + (header[length] == ',');
    }
    return best;
}

bool accept_names(const char *header, const char *type)
{
    int place = 0;
    if (!header) return false;
    struct opinion o = header_opinion(header, type, &place);
    return o.specificity == 2 && o.quality > 0;
}

bool accept_gzip(const char *header)
{
    int named = NOT_NAMED;
    int any = NOT_NAMED;
    while (header && *header) {
        header += skip_space(header);
        size_t length = strcspn(header, ",");
        size_t name = strcspn(header, ",; \t");
        if (name == 4 && strncasecmp(header, "gzip", 4) == 0) named = quality_of(header + name, length - name);
        else if (name == 1 && *header == '*') any = quality_of(header + name, length - name);
        header += length + (header[length] == ',');
    }
    return (named == NOT_NAMED ? any : named) > 0;
}

int accept_choose(const char *header, const char *const *types)
{
    struct opinion best = {.specificity = NOT_NAMED};
    int chosen = -1;
    int best_place = 0;
    if (!header || !header[skip_space(header)]) return 0;
    for (int i = 0; types[i]; i++) {
        int place = 0;
        struct opinion o = header_opinion(header, types[i], &place);
        if (o.specificity == NOT_NAMED || o.quality == 0) continue;
        bool better = o.quality != best.quality           ? o.quality > best.quality
                      : o.specificity != best.specificity ? o.specificity > best.specificity
                                                          : place < best_place;
        if (chosen >= 0 && !better) continue;
        best = o;
        best_place = place;
        chosen = i;
    }
    return chosen;
}
