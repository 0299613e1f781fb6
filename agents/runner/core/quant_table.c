/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>

#include "agents/runner/core/quant.h"

static double curve_at(enum quant_curve curve, double x)
{
    switch (curve) {
    case QUANT_HSWISH:
        return x * fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0;
    case QUANT_SWISH:
        return x / (1.0 + exp(-x));
    case QUANT_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case QUANT_NO_CURVE:
        break;
    }
    return x;
}

void quant_table(enum quant_curve curve, struct quant in, struct quant out, int8_t table[256])
{
    for (int q = INT8_MIN; q <= INT8_MAX; q++) {
        double real = curve_at(curve, (double)in.scale * (q - in.zero));
        double scaled = round(real / (double)out.scale) + out.zero;
        table[(uint8_t)q] = (int8_t)fmin(fmax(scaled, INT8_MIN), INT8_MAX);
    }
}
