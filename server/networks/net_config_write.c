/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Writing of once-for-all's net.config: see net_config.c for where its form is from. */
#include "server/networks/network.h"

static const char *act_name(enum activation act)
{
    switch (act) {
    case ACT_RELU:
        return "relu";
    case ACT_RELU6:
        return "relu6";
    case ACT_HSWISH:
        return "h_swish";
    case ACT_NONE:
    case ACT_SWISH:
    case ACTIVATIONS:
        break;
    }
    return NULL;
}

static json_t *conv_json(const struct layer *l, bool batch_norm)
{
    return json_pack("{s:s,s:i,s:i,s:i,s:i,s:b,s:b,s:i,s:i,s:b,s:s?,s:i,s:s}", "name", "ConvLayer", "kernel_size",
                     l->kernel, "stride", l->stride, "dilation", 1, "groups", 1, "bias", 0, "has_shuffle", 0,
                     "in_channels", l->in.c, "out_channels", l->out.c, "use_bn", batch_norm, "act_func",
                     act_name(l->act), "dropout_rate", 0, "ops_order", "weight_bn_act");
}

static json_t *identity_json(int channels)
{
    return json_pack("{s:s,s:[i],s:[i],s:b,s:n,s:i,s:s}", "name", "IdentityLayer", "in_channels", channels,
                     "out_channels", channels, "use_bn", 0, "act_func", "dropout_rate", 0, "ops_order",
                     "weight_bn_act");
}

static json_t *ratio_json(const struct layer *l)
{
    if (l->mid % l->in.c == 0) return json_integer(l->mid / l->in.c);
    return json_real((double)l->mid / l->in.c);
}

static json_t *block_json(const struct layer *l)
{
    json_t *conv =
        json_pack("{s:s,s:i,s:i,s:i,s:i,s:o,s:i,s:s?,s:b}", "name", "MBInvertedConvLayer", "in_channels", l->in.c,
                  "out_channels", l->out.c, "kernel_size", l->kernel, "stride", l->stride, "expand_ratio",
                  ratio_json(l), "mid_channels", l->mid, "act_func", act_name(l->act), "use_se", l->se > 0);
    return json_pack("{s:s,s:o,s:o}", "name", "MobileInvertedResidualBlock", "mobile_inverted_conv", conv, "shortcut",
                     l->residual ? identity_json(l->in.c) : json_null());
}

static json_t *classifier_json(const struct layer *l)
{
    return json_pack("{s:s,s:i,s:i,s:b,s:b,s:n,s:i,s:s}", "name", "LinearLayer", "in_features", l->in.c, "out_features",
                     l->out.c, "bias", 1, "use_bn", 0, "act_func", "dropout_rate", 0, "ops_order", "weight_bn_act");
}

/* The form that once-for-all gives a layer, or NULL and why there is none. */
static const char *obstacle(const struct layer *l)
{
    int quarter = l->mid / 4;
    if (l->act == ACT_SWISH) return "it has no swish";
    if (l->kind == LAYER_CONV2D && l->residual) return "its convolutions have no residual";
    if (l->kind == LAYER_MBCONV && l->se && l->se != make_divisible(quarter, 8))
        return "its squeeze-excite has a quarter of the middle's channels";
    return NULL;
}

static bool is_kind(const struct layer *layers, int count, int at, enum layer_kind kind)
{
    return at < count && layers[at].kind == kind;
}

/* How many layers from one on are blocks. */
static int count_blocks(const struct layer *layers, int count, int from)
{
    int n = 0;
    while (is_kind(layers, count, from + n, LAYER_MBCONV)) n++;
    return n;
}

enum lathe_status net_config_write(const struct layer *layers, int count, json_t **out, struct lathe_error *err)
{
    for (int i = 0; i < count; i++) {
        const char *why = obstacle(&layers[i]);
        if (why) return error_set(err, LATHE_UNSUPPORTED, "no net.config can say layer %d: %s", i, why);
    }
    int blocks = count_blocks(layers, count, 1);
    int at = 1 + blocks;
    const struct layer *before = is_kind(layers, count, at, LAYER_CONV2D) ? &layers[at++] : NULL;
    bool pooled = is_kind(layers, count, at++, LAYER_AVGPOOL);
    const struct layer *behind = is_kind(layers, count, at, LAYER_CONV2D) ? &layers[at++] : NULL;
    if (!is_kind(layers, count, 0, LAYER_CONV2D) || !blocks || !pooled || (behind && !before) ||
        !is_kind(layers, count, at, LAYER_LINEAR) || at + 1 != count)
        return error_set(
            err, LATHE_UNSUPPORTED,
            "no net.config can say it: it must be a convolution, blocks of mbconv, a convolution, the pool "
            "and a linear layer, perhaps with a convolution before that");
    json_t *list = json_array();
    for (int b = 0; b < blocks; b++) json_array_append_new(list, block_json(&layers[1 + b]));
    json_t *document =
        json_pack("{s:s,s:{s:f,s:f},s:o,s:o}", "name", behind ? "MobileNetV3" : "ProxylessNASNets", "bn", "momentum",
                  0.1, "eps", 1e-5, "first_conv", conv_json(&layers[0], true), "blocks", list);
    /* Behind the pool MobileNetV3 has no batch norm. */
    if (behind) json_object_set_new(document, "final_expand_layer", conv_json(before, true));
    const struct layer *mix = behind ? behind : before;
    json_object_set_new(document, "feature_mix_layer", mix ? conv_json(mix, !behind) : json_null());
    json_object_set_new(document, "classifier", classifier_json(&layers[at]));
    *out = document;
    return LATHE_OK;
}
