/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Networks beyond the spaces: any chain of layers, given as once-for-all's net.config or as lines of layers.
 *
 * A document has one of two forms; README.md describes both:
 *   net.config   what once-for-all writes of a network: {"name":"MobileNetV3","first_conv":{..},"blocks":[..],..}
 *   lines        {"layers":["conv2d 16 k=3 s=2 act=hswish","mbconv 16 mid=16 k=3 s=1 act=relu res=1",..]}
 * Both leave sizes of images to the resolution, which is the document's "resolution" unless another one is asked for.
 * Threads: plain values. */
#ifndef LATHE_NETWORKS_NETWORK_H
#define LATHE_NETWORKS_NETWORK_H

#include <jansson.h>

#include "lut/layer/layer.h"

enum { NETWORK_MAX_LAYERS = 96, NETWORK_MAX_RESOLUTION = 4096, NETWORK_ID_BYTES = 17 };

struct network {
    int count; /* 1..NETWORK_MAX_LAYERS */
    struct layer layers[NETWORK_MAX_LAYERS];
};

/** Read a document of either form.
 *  @param resolution pixels, 1..NETWORK_MAX_RESOLUTION; 0: the document's own.
 *  @param[out] out written on LATHE_OK only; every layer is valid and takes what the one before it gives.
 *  @return LATHE_INVALID names the field, e.g. "blocks[3].mobile_inverted_conv.kernel_size". */
enum lathe_status network_parse(const json_t *document, int resolution, struct network *out, struct lathe_error *err);

/** Read lines of layers, at a resolution. Errors name "layers[i]". */
enum lathe_status network_read_lines(const json_t *lines, int resolution, struct network *out, struct lathe_error *err);

/** Read a net.config; network_parse() is for callers that don't know the form. */
enum lathe_status net_config_read(const json_t *document, int resolution, struct network *out, struct lathe_error *err);

/** What once-for-all would write of a network, with which its own code can build it.
 *  @param layers a chain that starts with the image.
 *  @param[out] out new reference.
 *  @return LATHE_UNSUPPORTED: no net.config says that; err tells which layer is why. */
enum lathe_status net_config_write(const struct layer *layers, int count, json_t **out, struct lathe_error *err);

/** Canonical texts, in order. New reference. */
json_t *network_texts(const struct layer *layers, int count);

/** A name for the list of layers, the same for the same layers on every machine: 16 hexadecimal digits. */
void network_id(const struct network *, char out[NETWORK_ID_BYTES]);

uint64_t network_macs(const struct network *);
uint64_t network_params(const struct network *);
/** The firmware's arena on a microcontroller, and flash as deployed there, int8 (lut/layer/board_memory.h). */
uint64_t network_board_sram_bytes(const struct network *);
uint64_t network_board_flash_bytes(const struct network *);

#endif
