/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What each kind of layer has. Nothing outside this folder includes it. */
#ifndef LATHE_LAYER_KINDS_H
#define LATHE_LAYER_KINDS_H

#include "lut/layer/layer.h"

struct kind {
    const char *name;
    bool mid;            /* middle channels */
    bool window;         /* kernel and stride, "same" padding */
    bool act;            /* an activation of choice */
    bool se, residual;   /* either may be there */
    bool keeps_channels; /* as many output as input channels */
};

extern const struct kind layer_kinds[LAYER_KINDS];

#endif
