/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between struct layer and its form on the wire. Apart from the codec, which knows nothing of the rest of Lathe. */
#ifndef LATHE_WIRE_LAYER_H
#define LATHE_WIRE_LAYER_H

#include "agents/wire/message.h"
#include "lut/layer/layer.h"

/** @param layer valid by layer_validate(). */
void wire_layer_from(const struct layer *, struct wire_layer *out);
/** @param[out] out written on LATHE_OK only, valid. @return LATHE_INVALID otherwise. */
enum lathe_status wire_layer_to(const struct wire_layer *, struct layer *out, struct lathe_error *err);

uint8_t wire_dtype_from(enum dtype);
bool wire_dtype_to(uint8_t wire, enum dtype *out);

#endif
