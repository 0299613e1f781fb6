/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/probability.h"

#include <float.h>
#include <math.h>

/* The continued fraction of the incomplete beta function by Lentz's method; see Press et al., Numerical Recipes, 6.4.
 */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= 500; m++) {
        for (int odd = 0; odd <= 1; odd++) {
            double term = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                              : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            if (fabs(c) < tiny) c = tiny;
            h *= d * c;
        }
        if (fabs(d * c - 1) < 4 * DBL_EPSILON) break;
    }
    return h;
}

/* The regularized incomplete beta function. lgamma_r: lgamma() writes to a variable that threads share. */
static double incomplete_beta(double a, double b, double x, double rest)
{
    int sign;
    if (x <= 0) return 0;
    if (rest <= 0) return 1;
    double front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log(rest));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, rest) / b;
}

double normal_p(double z)
{
    return erfc(fabs(z) / sqrt(2));
}

double student_p(double t, double degrees)
{
    if (isinf(t)) return 0;
    double sum = degrees + t * t;
    return incomplete_beta(degrees / 2, 0.5, degrees / sum, t * t / sum);
}

double student_t(double p, double degrees)
{
    double low = 0;
    double high = 1;
    while (student_p(high, degrees) > p && high < 1e300) high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-12 * high; i++) {
        double middle = (low + high) / 2;
        if (student_p(middle, degrees) > p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}
