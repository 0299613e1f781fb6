/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/check/networks.h"

#include <stddef.h>

/* Every kernel size and activation; odd sizes, so that rows can't pass for columns. */
const char *const conv2d_layers[] = {
    "conv2d in=9x7x3 out=9x7x8 k=1 s=1 act=none",     "conv2d in=9x7x3 out=9x7x8 k=3 s=1 act=relu",
    "conv2d in=9x7x3 out=5x4x8 k=3 s=2 act=relu6",    "conv2d in=10x8x4 out=5x4x8 k=5 s=2 act=hswish",
    "conv2d in=9x7x3 out=3x3x5 k=7 s=3 act=swish",    "conv2d in=8x8x16 out=8x8x24 k=1 s=1 act=swish",
    "conv2d in=1x1x40 out=1x1x17 k=1 s=1 act=hswish", NULL};

const char *const conv2d_residual_layers[] = {
    "conv2d in=9x7x8 out=9x7x8 k=3 s=1 act=relu res=1",    "conv2d in=5x6x12 out=5x6x12 k=3 s=1 act=hswish res=1",
    "conv2d in=5x6x12 out=5x6x12 k=3 s=1 act=swish res=1", "conv2d in=4x4x3 out=4x4x3 k=1 s=1 act=none res=1",
    "conv2d in=3x3x9 out=3x3x9 k=5 s=1 act=relu6 res=1",   NULL};

const char *const mbconv_layers[] = {
    "mbconv in=9x7x8 out=9x7x8 mid=24 k=3 s=1 act=relu res=1",   "mbconv in=9x7x8 out=9x7x12 mid=24 k=5 s=1 act=relu6",
    "mbconv in=7x9x8 out=7x9x8 mid=32 k=7 s=1 act=hswish res=1", "mbconv in=7x9x8 out=7x9x8 mid=16 k=3 s=1 act=swish",
    "mbconv in=8x8x12 out=8x8x12 mid=12 k=3 s=1 act=relu res=1", /* no expansion */
    "mbconv in=5x5x12 out=5x5x6 mid=12 k=5 s=1 act=none",        NULL};

const char *const mbconv_stride_layers[] = {
    "mbconv in=9x8x8 out=5x4x16 mid=24 k=3 s=2 act=relu", "mbconv in=10x7x5 out=5x4x11 mid=17 k=5 s=2 act=hswish",
    "mbconv in=11x11x6 out=4x4x6 mid=18 k=5 s=3 act=swish", "mbconv in=2x1x9 out=1x1x13 mid=9 k=3 s=2 act=relu", NULL};

const char *const squeeze_excite_layers[] = {"mbconv in=9x7x8 out=9x7x8 mid=24 k=3 s=1 act=relu se=8 res=1",
                                             "mbconv in=9x8x8 out=5x4x16 mid=24 k=5 s=2 act=hswish se=6",
                                             "mbconv in=9x7x8 out=9x7x8 mid=48 k=3 s=1 act=swish se=2 res=1",
                                             "mbconv in=7x5x6 out=7x5x9 mid=6 k=3 s=1 act=relu6 se=3",
                                             "mbconv in=1x1x3 out=1x1x3 mid=7 k=7 s=1 act=relu se=5 res=1",
                                             NULL};

const char *const bottleneck_layers[] = {"bottleneck in=9x8x12 out=9x8x20 mid=7 k=3 s=1 act=relu",
                                         "bottleneck in=9x8x12 out=5x4x20 mid=7 k=3 s=2 act=relu",
                                         "bottleneck in=7x10x5 out=4x5x11 mid=3 k=5 s=2 act=hswish",
                                         "bottleneck in=7x7x8 out=3x3x8 mid=4 k=3 s=3 act=swish",
                                         "bottleneck in=2x1x9 out=1x1x13 mid=8 k=3 s=4 act=none",
                                         NULL};

const char *const bottleneck_residual_layers[] = {"bottleneck in=9x8x12 out=9x8x12 mid=7 k=3 s=1 act=relu res=1",
                                                  "bottleneck in=5x6x8 out=5x6x8 mid=4 k=5 s=1 act=relu6 res=1",
                                                  "bottleneck in=7x7x16 out=7x7x16 mid=8 k=1 s=1 act=swish res=1",
                                                  NULL};

const char *const maxpool_layers[] = {"maxpool in=16x12x8 out=8x6x8 k=3 s=2", "maxpool in=7x13x5 out=4x7x5 k=3 s=2",
                                      "maxpool in=9x8x3 out=9x8x3 k=5 s=1",   "maxpool in=11x10x8 out=3x3x8 k=7 s=4",
                                      "maxpool in=1x1x3 out=1x1x3 k=3 s=2",   NULL};

const char *const avgpool_layers[] = {"avgpool in=7x7x33 out=1x1x33", "avgpool in=5x3x64 out=1x1x64",
                                      "avgpool in=1x1x3 out=1x1x3", NULL};

const char *const linear_layers[] = {"linear in=1x1x320 out=1x1x100", "linear in=1x1x3 out=1x1x1",
                                     "linear in=1x1x1 out=1x1x37", NULL};

/* In the manner of MobileNetV3, as once-for-all has it; two layers are equal. */
static const char *const mobilenet[] = {"conv2d in=32x32x3 out=16x16x8 k=3 s=2 act=hswish",
                                        "mbconv in=16x16x8 out=16x16x8 mid=8 k=3 s=1 act=relu res=1",
                                        "mbconv in=16x16x8 out=8x8x12 mid=24 k=5 s=2 act=relu",
                                        "mbconv in=8x8x12 out=8x8x12 mid=36 k=3 s=1 act=relu res=1",
                                        "mbconv in=8x8x12 out=8x8x12 mid=36 k=3 s=1 act=relu res=1",
                                        "mbconv in=8x8x12 out=4x4x20 mid=48 k=7 s=2 act=relu se=16",
                                        "mbconv in=4x4x20 out=4x4x20 mid=60 k=5 s=1 act=hswish se=16 res=1",
                                        "conv2d in=4x4x20 out=4x4x120 k=1 s=1 act=hswish",
                                        "avgpool in=4x4x120 out=1x1x120",
                                        "conv2d in=1x1x120 out=1x1x160 k=1 s=1 act=hswish",
                                        "linear in=1x1x160 out=1x1x50",
                                        NULL};

/* ResNet-D. */
static const char *const resnet[] = {"conv2d in=32x32x3 out=16x16x6 k=3 s=2 act=relu",
                                     "conv2d in=16x16x6 out=16x16x6 k=3 s=1 act=relu res=1",
                                     "maxpool in=16x16x6 out=8x8x6 k=3 s=2",
                                     "bottleneck in=8x8x6 out=8x8x16 mid=6 k=3 s=1 act=relu",
                                     "bottleneck in=8x8x16 out=8x8x16 mid=6 k=3 s=1 act=relu res=1",
                                     "bottleneck in=8x8x16 out=8x8x16 mid=6 k=3 s=1 act=relu res=1",
                                     "bottleneck in=8x8x16 out=4x4x32 mid=10 k=3 s=2 act=relu",
                                     "bottleneck in=4x4x32 out=4x4x32 mid=12 k=3 s=1 act=relu res=1",
                                     "avgpool in=4x4x32 out=1x1x32",
                                     "linear in=1x1x32 out=1x1x50",
                                     NULL};

/* EfficientNet. */
static const char *const efficientnet[] = {"conv2d in=32x32x3 out=16x16x8 k=3 s=2 act=swish",
                                           "mbconv in=16x16x8 out=16x16x8 mid=8 k=3 s=1 act=swish se=2",
                                           "mbconv in=16x16x8 out=8x8x12 mid=48 k=3 s=2 act=swish se=2",
                                           "mbconv in=8x8x12 out=8x8x12 mid=72 k=3 s=1 act=swish se=3 res=1",
                                           "mbconv in=8x8x12 out=8x8x12 mid=72 k=3 s=1 act=swish se=3 res=1",
                                           "mbconv in=8x8x12 out=4x4x20 mid=72 k=5 s=2 act=swish se=3",
                                           "conv2d in=4x4x20 out=4x4x80 k=1 s=1 act=swish",
                                           "avgpool in=4x4x80 out=1x1x80",
                                           "linear in=1x1x80 out=1x1x50",
                                           NULL};

const char *const *const whole_networks[] = {mobilenet, resnet, efficientnet, NULL};

int networks_read(const char *const *texts, struct layer *out)
{
    int count = 0;
    while (texts[count] && count < NETWORK_LAYERS_MAX && !layer_parse(texts[count], &out[count], NULL)) count++;
    return count;
}

int networks_timed(int simple, struct layer *out)
{
    static const char *const layers[] = {
        "conv2d in=48x48x3 out=24x24x16 k=3 s=2 act=relu", "conv2d in=24x24x16 out=24x24x16 k=3 s=1 act=relu",
        "conv2d in=24x24x16 out=24x24x16 k=3 s=1 act=relu", "conv2d in=24x24x16 out=12x12x32 k=3 s=2 act=relu", NULL};
    static const char *const linears[] = {"linear in=1x1x1000 out=1x1x700", "linear in=1x1x700 out=1x1x700",
                                          "linear in=1x1x700 out=1x1x1000", NULL};
    return networks_read(simple ? linears : layers, out);
}
