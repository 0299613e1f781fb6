/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "conformance/layer_cases.h"

#include "conformance/support.h"

static void visit_texts(const char *const *texts, void (*visit)(const struct layer *))
{
    for (; *texts; texts++) {
        struct layer layer = layer_of(*texts);
        visit(&layer);
    }
}

static void blocks(int kernel, void (*visit)(const struct layer *))
{
    static const int expands[] = {1, 3, 4, 6};
    for (int i = 0; i < 4 * 2 * 2 * ACTIVATIONS; i++) {
        const int stride = 1 + i / 4 % 2;
        struct layer layer = {
            .kind = LAYER_MBCONV,
            .in = {9, 8, 8},
            .out = {conv_out_size(9, stride), conv_out_size(8, stride), stride == 1 ? 8 : 16},
            .mid = 8 * expands[i % 4],
            .kernel = kernel,
            .stride = stride,
            .act = (enum activation)(i / 16),
            .se = 8 * (i / 8 % 2),
        };
        visit(&layer);
        if (stride > 1) continue;
        layer.residual = true;
        visit(&layer);
    }
}

static void bottlenecks(int kernel, void (*visit)(const struct layer *))
{
    for (int i = 0; i < 3 * ACTIVATIONS; i++) {
        const int stride = 1 + i % 3;
        struct layer layer = {
            .kind = LAYER_BOTTLENECK,
            .in = {9, 8, 12},
            .out = {conv_out_size(9, stride), conv_out_size(8, stride), 20},
            .mid = 7,
            .kernel = kernel,
            .stride = stride,
            .act = (enum activation)(i / 3),
        };
        visit(&layer);
        if (stride > 1) continue;
        layer.out.c = 12;
        visit(&layer); /* the shortcut has a convolution where the widths agree, too */
        layer.residual = true;
        visit(&layer);
    }
}

static void convolutions(void (*visit)(const struct layer *))
{
    for (int i = 0; i < 4 * ACTIVATIONS; i++) {
        struct layer layer = {
            .kind = LAYER_CONV2D,
            .in = {11, 8, 3},
            .out = {6, 4, 16},
            .kernel = 1 + 2 * (i % 4),
            .stride = 2,
            .act = (enum activation)(i / 4),
        };
        visit(&layer);
        layer.in = (struct shape){9, 7, 5};
        layer.out = (struct shape){9, 7, 13};
        layer.stride = 1;
        visit(&layer);
    }
}

static const char *const odd_blocks[] = {
    "mbconv in=7x13x5 out=7x13x5 mid=17 k=5 s=1 act=hswish se=3 res=1",
    "mbconv in=7x13x5 out=4x7x11 mid=17 k=7 s=2 act=relu6 se=1",
    "mbconv in=1x1x3 out=1x1x3 mid=7 k=7 s=1 act=relu se=5 res=1",
    "mbconv in=2x1x9 out=1x1x13 mid=9 k=3 s=2 act=relu",
    "mbconv in=10x6x16 out=5x3x24 mid=33 k=3 s=2 act=hswish",
    "mbconv in=9x4x7 out=9x4x7 mid=42 k=5 s=1 act=swish se=3 res=1",
    "mbconv in=5x5x12 out=5x5x12 mid=12 k=1 s=1 act=relu res=1",
    "mbconv in=11x11x6 out=4x4x6 mid=18 k=5 s=3 act=relu",
    NULL,
};

static const char *const odd_convolutions[] = {
    "conv2d in=1x1x960 out=1x1x40 k=1 s=1 act=hswish",
    "conv2d in=1x1x1 out=1x1x1 k=3 s=1 act=none",
    "conv2d in=9x7x8 out=9x7x8 k=3 s=1 act=relu res=1",
    "conv2d in=5x6x24 out=5x6x24 k=3 s=1 act=hswish res=1",
    "conv2d in=4x4x3 out=4x4x3 k=1 s=1 act=none res=1",
    "conv2d in=1x1x17 out=1x1x17 k=5 s=1 act=relu6 res=1",
    NULL,
};

static const char *const odd_bottlenecks[] = {
    "bottleneck in=7x13x5 out=4x7x11 mid=3 k=3 s=2 act=relu",
    "bottleneck in=1x1x9 out=1x1x13 mid=1 k=3 s=2 act=relu",
    "bottleneck in=2x1x9 out=1x1x13 mid=33 k=5 s=4 act=relu",
    "bottleneck in=14x14x104 out=7x7x168 mid=40 k=3 s=2 act=relu",
    "bottleneck in=7x7x168 out=7x7x168 mid=32 k=3 s=1 act=relu res=1",
    NULL,
};

static const char *const maximum_pools[] = {
    "maxpool in=16x16x24 out=8x8x24 k=3 s=2", "maxpool in=7x13x5 out=4x7x5 k=3 s=2",
    "maxpool in=1x1x3 out=1x1x3 k=3 s=2",     "maxpool in=9x8x33 out=9x8x33 k=5 s=1",
    "maxpool in=11x10x8 out=3x3x8 k=7 s=4",   NULL,
};

static const char *const pools_and_linear[] = {
    "avgpool in=7x7x33 out=1x1x33",   "avgpool in=150x150x8 out=1x1x8",
    "avgpool in=5x3x960 out=1x1x960", "avgpool in=1x1x3 out=1x1x3",
    "linear in=1x1x1280 out=1x1x100", "linear in=1x1x3 out=1x1x1",
    "linear in=1x1x1 out=1x1x37",     NULL,
};

void each_layer(enum layer_family family, void (*visit)(const struct layer *))
{
    switch (family) {
    case BLOCKS_3:
    case BLOCKS_5:
    case BLOCKS_7:
        blocks(3 + 2 * (int)(family - BLOCKS_3), visit);
        break;
    case BOTTLENECKS_1:
    case BOTTLENECKS_3:
    case BOTTLENECKS_5:
    case BOTTLENECKS_7:
        bottlenecks(1 + 2 * (int)(family - BOTTLENECKS_1), visit);
        break;
    case CONVOLUTIONS:
        convolutions(visit);
        break;
    case ODD_BLOCKS:
        visit_texts(odd_blocks, visit);
        break;
    case ODD_CONVOLUTIONS:
        visit_texts(odd_convolutions, visit);
        break;
    case ODD_BOTTLENECKS:
        visit_texts(odd_bottlenecks, visit);
        break;
    case MAXIMUM_POOLS:
        visit_texts(maximum_pools, visit);
        break;
    case POOLS_AND_LINEAR:
        visit_texts(pools_and_linear, visit);
        break;
    case FAMILIES:
        break;
    }
}

static const char *const networks[NETWORKS][NETWORK_LAYERS] = {
    {
        /* in the manner of OFA's MobileNetV3 */
        "conv2d in=64x64x3 out=32x32x16 k=3 s=2 act=hswish",
        "mbconv in=32x32x16 out=32x32x16 mid=16 k=3 s=1 act=relu res=1",
        "mbconv in=32x32x16 out=16x16x24 mid=64 k=5 s=2 act=relu",
        "mbconv in=16x16x24 out=16x16x24 mid=72 k=3 s=1 act=relu res=1",
        "mbconv in=16x16x24 out=16x16x24 mid=72 k=3 s=1 act=relu res=1",
        "mbconv in=16x16x24 out=8x8x40 mid=144 k=7 s=2 act=relu se=40",
        "mbconv in=8x8x40 out=8x8x40 mid=120 k=5 s=1 act=relu se=32 res=1",
        "mbconv in=8x8x40 out=4x4x80 mid=240 k=3 s=2 act=hswish",
        "mbconv in=4x4x80 out=4x4x80 mid=240 k=7 s=1 act=hswish res=1",
        "mbconv in=4x4x80 out=4x4x112 mid=480 k=3 s=1 act=hswish se=120",
        "mbconv in=4x4x112 out=2x2x160 mid=672 k=5 s=2 act=hswish se=168",
        "mbconv in=2x2x160 out=2x2x160 mid=480 k=3 s=1 act=hswish se=120 res=1",
        "conv2d in=2x2x160 out=2x2x960 k=1 s=1 act=hswish",
        "avgpool in=2x2x960 out=1x1x960",
        "conv2d in=1x1x960 out=1x1x1280 k=1 s=1 act=hswish",
        "linear in=1x1x1280 out=1x1x100",
    },
    {
        /* in the manner of OFA's ResNet50, an eighth as wide */
        "conv2d in=64x64x3 out=32x32x8 k=3 s=2 act=relu",
        "conv2d in=32x32x8 out=32x32x8 k=3 s=1 act=relu res=1",
        "conv2d in=32x32x8 out=32x32x16 k=3 s=1 act=relu",
        "maxpool in=32x32x16 out=16x16x16 k=3 s=2",
        "bottleneck in=16x16x16 out=16x16x32 mid=8 k=3 s=1 act=relu",
        "bottleneck in=16x16x32 out=16x16x32 mid=8 k=3 s=1 act=relu res=1",
        "bottleneck in=16x16x32 out=16x16x32 mid=8 k=3 s=1 act=relu res=1",
        "bottleneck in=16x16x32 out=8x8x64 mid=16 k=3 s=2 act=relu",
        "bottleneck in=8x8x64 out=8x8x64 mid=24 k=3 s=1 act=relu res=1",
        "bottleneck in=8x8x64 out=4x4x128 mid=32 k=3 s=2 act=relu",
        "bottleneck in=4x4x128 out=4x4x128 mid=48 k=3 s=1 act=relu res=1",
        "bottleneck in=4x4x128 out=4x4x128 mid=24 k=3 s=1 act=relu res=1",
        "bottleneck in=4x4x128 out=2x2x256 mid=48 k=3 s=2 act=relu",
        "bottleneck in=2x2x256 out=2x2x256 mid=88 k=3 s=1 act=relu res=1",
        "avgpool in=2x2x256 out=1x1x256",
        "linear in=1x1x256 out=1x1x100",
    },
};

void network_layers(int network, struct layer layers[NETWORK_LAYERS])
{
    for (int i = 0; i < NETWORK_LAYERS; i++) layers[i] = layer_of(networks[network][i]);
}
