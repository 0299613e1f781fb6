/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Reading of once-for-all's net.config: the families MobileNetV3 and ProxylessNAS. What its fields mean is from
 * https://github.com/mit-han-lab/once-for-all (ofa/imagenet_classification/networks, ofa/utils/layers.py), MIT licence.
 *
 * Fields that only matter in training (dropout, batch norm's constants) and those that deployment folds away are
 * allowed and ignored; those that change what is computed must have the values that layers can say. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/json.h"
#include "server/networks/network.h"

enum { CHANNELS_MOST = 65535 };

struct chain {
    struct network net;
    struct shape at; /* what the layers so far give */
};

/* ---- fields ---- */

static int read_int(struct json_fields *f, const char *name, int min, int max)
{
    int64_t value = 0;
    json_get_int(f, name, JSON_REQUIRED, min, max, &value);
    return (int)value;
}

/* A field that may be there, but with one value only. */
static void require_int(struct json_fields *f, const char *name, int wanted)
{
    int64_t value = wanted;
    json_get_int(f, name, JSON_OPTIONAL, 0, CHANNELS_MOST, &value);
    if (!f->status && value != wanted)
        f->status = error_field(f->err, name, "%s must be %d: no layer of Lathe has another", name, wanted);
}

static void require_false(struct json_fields *f, const char *name)
{
    bool value = false;
    json_get_bool(f, name, JSON_OPTIONAL, &value);
    if (!f->status && value) f->status = error_field(f->err, name, "%s must be false: Lathe has no such layer", name);
}

static void allow_all(struct json_fields *f, const char *const *names)
{
    for (; *names; names++) json_allow(f, *names);
}

/* Only in training, or folded into the convolution. */
static const char *const folded[] = {"bias", "use_bn", "dropout_rate", "ops_order", NULL};

static enum activation read_act(struct json_fields *f)
{
    static const char *const words[] = {"none", "relu", "relu6", "h_swish", NULL};
    static const enum activation acts[] = {ACT_NONE, ACT_RELU, ACT_RELU6, ACT_HSWISH};
    int word = 0;
    json_get_word(f, "act_func", JSON_OPTIONAL, words, &word); /* null is none */
    return acts[word];
}

/* The input's channels, which are known already. */
static void check_channels(struct json_fields *f, const char *name, int known)
{
    int given = read_int(f, name, 1, CHANNELS_MOST);
    if (!f->status && given != known)
        f->status =
            error_field(f->err, name, "%s is %d, but what comes before it gives %d channels", name, given, known);
}

static void check_name(struct json_fields *f, const char *const *words, const char *what)
{
    const char *name = NULL;
    json_get_string(f, "name", JSON_REQUIRED, &name);
    if (f->status) return;
    for (; *words; words++)
        if (strcmp(name, *words) == 0) return;
    f->status = error_field(f->err, "name", "name is %.40s: %s", name, what);
}

static enum lathe_status append(struct chain *chain, const struct layer *layer, struct lathe_error *err)
{
    struct lathe_error why = {0};
    if (chain->net.count == NETWORK_MAX_LAYERS)
        return error_field(err, "", "a network has at most %d layers", NETWORK_MAX_LAYERS);
    if (layer_validate(layer, &why)) return error_field(err, "", "no possible layer: %.300s", why.message);
    chain->net.layers[chain->net.count++] = *layer;
    chain->at = layer->out;
    return LATHE_OK;
}

/* ---- layers ---- */

static enum lathe_status read_conv(struct chain *chain, const json_t *object, struct lathe_error *err)
{
    static const char *const names[] = {"ConvLayer", NULL};
    struct json_fields f;
    struct layer layer = {.kind = LAYER_CONV2D, .in = chain->at};
    json_fields_begin(&f, object, err);
    check_name(&f, names, "a ConvLayer is wanted here");
    check_channels(&f, "in_channels", chain->at.c);
    layer.out.c = read_int(&f, "out_channels", 1, CHANNELS_MOST);
    layer.kernel = read_int(&f, "kernel_size", 1, 15);
    layer.stride = read_int(&f, "stride", 1, 4);
    layer.act = read_act(&f);
    require_int(&f, "dilation", 1);
    require_int(&f, "groups", 1);
    require_false(&f, "has_shuffle");
    require_false(&f, "use_se");
    allow_all(&f, folded);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    layer.out.h = conv_out_size(layer.in.h, layer.stride);
    layer.out.w = conv_out_size(layer.in.w, layer.stride);
    return append(chain, &layer, err);
}

/* The middle's channels: given, or the input's times the ratio. Only a ratio of 1 is without the expansion. */
static int read_mid(struct json_fields *f, int in)
{
    double ratio = 1;
    int64_t mid = 0;
    json_get_number(f, "expand_ratio", JSON_REQUIRED, 0.01, 64, &ratio);
    json_get_int(f, "mid_channels", JSON_OPTIONAL, 1, CHANNELS_MOST, &mid);
    if (f->status) return 0;
    if (!mid) mid = (int64_t)nearbyint(in * ratio); /* half to even, as Python's round() */
    if ((ratio == 1) != (mid == in))
        f->status = error_field(f->err, "mid_channels",
                                "mid_channels is %lld at %d channels and expand_ratio %g: a block either keeps its "
                                "channels, at ratio 1, or expands them",
                                (long long)mid, in, ratio);
    return (int)mid;
}

static enum lathe_status read_mbconv(struct chain *chain, const json_t *object, bool residual, struct lathe_error *err)
{
    static const char *const names[] = {"MBInvertedConvLayer", "MBConvLayer", NULL};
    struct json_fields f;
    struct layer layer = {.kind = LAYER_MBCONV, .in = chain->at, .residual = residual};
    bool squeezes = false;
    json_fields_begin(&f, object, err);
    check_name(&f, names, "a block has an MBInvertedConvLayer (MBConvLayer) or a ZeroLayer");
    check_channels(&f, "in_channels", chain->at.c);
    layer.out.c = read_int(&f, "out_channels", 1, CHANNELS_MOST);
    layer.kernel = read_int(&f, "kernel_size", 1, 15);
    layer.stride = read_int(&f, "stride", 1, 4);
    layer.mid = read_mid(&f, chain->at.c);
    layer.act = read_act(&f);
    json_get_bool(&f, "use_se", JSON_OPTIONAL, &squeezes);
    require_int(&f, "groups", 1); /* or null */
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    int quarter = layer.mid / 4;
    layer.se = squeezes ? make_divisible(quarter, 8) : 0;
    layer.out.h = conv_out_size(layer.in.h, layer.stride);
    layer.out.w = conv_out_size(layer.in.w, layer.stride);
    return append(chain, &layer, err);
}

static bool is_zero(const json_t *layer)
{
    const char *name = json_string_value(json_object_get(layer, "name"));
    return !layer || json_is_null(layer) || (name && strcmp(name, "ZeroLayer") == 0);
}

/* A block without convolution is its shortcut, that is nothing. */
static enum lathe_status read_block(struct chain *chain, const json_t *object, struct lathe_error *err)
{
    static const char *const names[] = {"MobileInvertedResidualBlock", "ResidualBlock", NULL};
    struct json_fields f;
    json_fields_begin(&f, object, err);
    check_name(&f, names, "blocks are of MobileInvertedResidualBlock (ResidualBlock)");
    const char *field = json_object_get(object, "conv") ? "conv" : "mobile_inverted_conv";
    json_allow(&f, field);
    json_allow(&f, "shortcut");
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    const json_t *shortcut = json_object_get(object, "shortcut");
    const json_t *conv = json_object_get(object, field);
    const char *kind = json_string_value(json_object_get(shortcut, "name"));
    bool residual = !is_zero(shortcut);
    if (residual && (!kind || strcmp(kind, "IdentityLayer") != 0))
        return error_field(err, "shortcut.name", "shortcut must be null, an IdentityLayer or a ZeroLayer");
    if (is_zero(conv)) {
        if (residual) return LATHE_OK;
        return error_field(err, field, "%s is missing, and there is no shortcut either", field);
    }
    st = read_mbconv(chain, conv, residual, err);
    if (st) error_in_field(err, field);
    return st;
}

static enum lathe_status read_classifier(struct chain *chain, const json_t *object, struct lathe_error *err)
{
    static const char *const names[] = {"LinearLayer", NULL};
    struct json_fields f;
    struct layer layer = {.kind = LAYER_LINEAR, .in = chain->at, .out = {1, 1, 0}};
    json_fields_begin(&f, object, err);
    check_name(&f, names, "a LinearLayer is wanted here");
    check_channels(&f, "in_features", chain->at.c);
    layer.out.c = read_int(&f, "out_features", 1, CHANNELS_MOST);
    enum activation act = read_act(&f);
    if (!f.status && act != ACT_NONE) f.status = error_field(err, "act_func", "act_func of a classifier must be null");
    allow_all(&f, folded);
    enum lathe_status st = json_fields_end(&f);
    return st ? st : append(chain, &layer, err);
}

static enum lathe_status pool(struct chain *chain, struct lathe_error *err)
{
    struct layer layer = {.kind = LAYER_AVGPOOL, .in = chain->at, .out = {1, 1, chain->at.c}};
    return append(chain, &layer, err);
}

/* ---- the document ---- */

struct parts {
    const json_t *first, *blocks, *expand, *mix, *classifier;
    bool pools_early; /* MobileNetV3: the mixing convolution stands behind the pool */
};

static enum lathe_status read_parts(const json_t *document, struct parts *parts, struct lathe_error *err)
{
    static const char *const names[] = {"MobileNetV3", "MobileNetV3Large", "ProxylessNASNets", "MobileNetV2", NULL};
    struct json_fields f;
    json_fields_begin(&f, document, err);
    check_name(&f, names, "known are the families MobileNetV3 and ProxylessNASNets");
    json_allow(&f, "bn");
    json_allow(&f, "resolution");
    json_get_object(&f, "first_conv", JSON_REQUIRED, &parts->first);
    json_get_array(&f, "blocks", JSON_REQUIRED, 1, NETWORK_MAX_LAYERS, &parts->blocks);
    const char *family = json_string_value(json_object_get(document, "name"));
    parts->pools_early = family && strncmp(family, "MobileNetV3", 11) == 0;
    if (parts->pools_early) json_get_object(&f, "final_expand_layer", JSON_REQUIRED, &parts->expand);
    json_get_object(&f, "feature_mix_layer", parts->pools_early ? JSON_REQUIRED : JSON_OPTIONAL, &parts->mix);
    json_get_object(&f, "classifier", JSON_REQUIRED, &parts->classifier);
    return json_fields_end(&f);
}

static enum lathe_status read_conv_at(struct chain *chain, const json_t *object, const char *field,
                                      struct lathe_error *err)
{
    enum lathe_status st = object ? read_conv(chain, object, err) : LATHE_OK;
    if (st) error_in_field(err, field);
    return st;
}

static enum lathe_status read_blocks(struct chain *chain, const json_t *blocks, struct lathe_error *err)
{
    for (size_t i = 0; i < json_array_size(blocks); i++) {
        char field[40];
        enum lathe_status st = read_block(chain, json_array_get(blocks, i), err);
        if (!st) continue;
        snprintf(field, sizeof field, "blocks[%zu]", i);
        error_in_field(err, field);
        return st;
    }
    return LATHE_OK;
}

enum lathe_status net_config_read(const json_t *document, int resolution, struct network *out, struct lathe_error *err)
{
    struct parts parts = {0};
    struct chain chain = {.at = {resolution, resolution, 3}};
    enum lathe_status st = read_parts(document, &parts, err);
    if (!st) st = read_conv_at(&chain, parts.first, "first_conv", err);
    if (!st) st = read_blocks(&chain, parts.blocks, err);
    if (!st) st = read_conv_at(&chain, parts.expand, "final_expand_layer", err);
    if (!st && !parts.pools_early) st = read_conv_at(&chain, parts.mix, "feature_mix_layer", err);
    if (!st) st = pool(&chain, err);
    if (!st && parts.pools_early) st = read_conv_at(&chain, parts.mix, "feature_mix_layer", err);
    if (st) return st;
    st = read_classifier(&chain, parts.classifier, err);
    if (st) {
        error_in_field(err, "classifier");
        return st;
    }
    *out = chain.net;
    return LATHE_OK;
}
