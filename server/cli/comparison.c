/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/cli/comparison.h"

#include <math.h>
#include <string.h>

static const char ofa[] = "once-for-all";

/* The abstract of arXiv:1908.09791. */
static const struct {
    const char *family;
    double faster;
} claims[] = {{"MobileNetV3", 1.5}, {"EfficientNet", 2.6}};

/* Two-sided 95% quantiles of Student's t. */
static double t95(size_t degrees)
{
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622,
                                   2.2281,  2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009};
    const size_t most = sizeof table / sizeof table[0];
    return table[(degrees < most ? degrees : most) - 1]; /* beyond, on the safe side */
}

double comparison_mean(const double *latencies_ms, size_t count, double *half)
{
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++) mean += latencies_ms[i] / (double)count;
    for (size_t i = 0; i < count; i++) squares += (latencies_ms[i] - mean) * (latencies_ms[i] - mean);
    *half = count > 1 ? t95(count - 1) * sqrt(squares / (double)(count - 1) / (double)count) : (double)NAN;
    return mean;
}

static double number_of(const json_t *network, const char *name)
{
    return json_number_value(json_object_get(network, name));
}

static int is_family(const json_t *network, const char *family)
{
    const char *is = json_string_value(json_object_get(network, "family"));
    return is && strcmp(is, family) == 0;
}

/* The fastest network of once-for-all that is at least as accurate; NULL: there is none. */
static const json_t *fastest(const json_t *networks, double top1)
{
    const json_t *best = NULL;
    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        if (!is_family(network, ofa) || number_of(network, "top1") < top1) continue;
        if (!best || number_of(network, "latency_ms") < number_of(best, "latency_ms")) best = network;
    }
    return best;
}

/* Of what is less accurate than `top1` and faster than `upper`, the most accurate, which is on the front with it; NULL:
 * there is none. Of equally accurate ones the faster. */
static const json_t *next_below(const json_t *networks, double top1, double upper_ms)
{
    const json_t *best = NULL;
    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        double a = number_of(network, "top1");
        if (!is_family(network, ofa) || a >= top1 || number_of(network, "latency_ms") >= upper_ms) continue;
        double b = best ? number_of(best, "top1") : -1;
        if (a > b || (a == b && number_of(network, "latency_ms") < number_of(best, "latency_ms"))) best = network;
    }
    return best;
}

double comparison_front_ms(const json_t *networks, double top1, int *below)
{
    *below = 0;
    const json_t *upper = fastest(networks, top1);
    if (!upper) return (double)NAN;
    double high = number_of(upper, "top1");
    double high_ms = number_of(upper, "latency_ms");
    if (high == top1) return high_ms;
    const json_t *lower = next_below(networks, top1, high_ms);
    if (!lower) {
        *below = 1;
        return high_ms;
    }
    double low = number_of(lower, "top1");
    double low_ms = number_of(lower, "latency_ms");
    return low_ms + (high_ms - low_ms) * (top1 - low) / (high - low);
}

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *speedup_of(const json_t *networks, const json_t *network)
{
    int below = 0;
    double front_ms = comparison_front_ms(networks, number_of(network, "top1"), &below);
    double ms = number_of(network, "latency_ms");
    double speedup = below && front_ms > ms ? (double)NAN : ms / front_ms;
    return json_pack("{s:O,s:O,s:O,s:O,s:o,s:o,s:b}", "name", json_object_get(network, "name"), "family",
                     json_object_get(network, "family"), "top1", json_object_get(network, "top1"), "latency_ms",
                     json_object_get(network, "latency_ms"), "front_ms", number_or_null(front_ms), "speedup",
                     number_or_null(speedup), "at_least", below && isfinite(speedup));
}

static json_t *claim_of(const json_t *speedups, const char *family, double faster)
{
    double least = INFINITY;
    double most = 0;
    for (size_t i = 0; i < json_array_size(speedups); i++) {
        const json_t *item = json_array_get(speedups, i);
        if (!is_family(item, family) || !json_is_number(json_object_get(item, "speedup"))) continue;
        least = fmin(least, number_of(item, "speedup"));
        most = fmax(most, number_of(item, "speedup"));
    }
    return json_pack("{s:s,s:f,s:s,s:o}", "family", family, "claimed", faster, "where", "phones, arXiv:1908.09791",
                     "measured", most > 0 ? json_pack("[f,f]", least, most) : json_null());
}

void comparison_add_speedups(json_t *report)
{
    const json_t *networks = json_object_get(report, "networks");
    json_t *speedups = json_array();
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(networks); i++) {
        const json_t *network = json_array_get(networks, i);
        if (!is_family(network, ofa)) json_array_append_new(speedups, speedup_of(networks, network));
    }
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        json_array_append_new(list, claim_of(speedups, claims[i].family, claims[i].faster));
    json_object_set_new(report, "speedups", speedups);
    json_object_set_new(report, "claims", list);
}
