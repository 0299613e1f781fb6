/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Layers and networks that runners are checked with. Small, so that `reference` computes them in no time at batch 64.
 * Threads: constants. */
#ifndef LATHE_CHECK_NETWORKS_H
#define LATHE_CHECK_NETWORKS_H

#include "lut/layer/layer.h"

enum { NETWORK_LAYERS_MAX = 20 };

/* Layer texts by what they show, NULL-ended. */
extern const char *const conv2d_layers[], *const conv2d_residual_layers[],
                                              *const mbconv_layers[], *const mbconv_stride_layers[],
                                                                          *const squeeze_excite_layers[],
                                                                              *const bottleneck_layers[],
                                                                                  *const bottleneck_residual_layers[],
                                                                                      *const maxpool_layers[],
                                                                                          *const avgpool_layers[],
                                                                                              *const linear_layers[];

/* Whole networks, each NULL-ended; the list ends with NULL. */
extern const char *const *const whole_networks[];

/** Read NULL-ended texts. @return layers. */
int networks_read(const char *const *texts, struct layer *out);
/** A network whose times are looked at: a few million multiplications. @param simple of linear layers. */
int networks_timed(int simple, struct layer *out);

#endif
