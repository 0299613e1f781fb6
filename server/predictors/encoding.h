/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A subnet as the numbers that predictors take: once-for-all's one-hot encoding, see predictor.h.
 * Threads: an encoding never changes after encoding_init(). */
#ifndef LATHE_PREDICTORS_ENCODING_H
#define LATHE_PREDICTORS_ENCODING_H

#include "server/spaces/space.h"

enum {
    ENCODING_RESOLUTIONS = 8, /* classes 112, 128, ..., 224 */
    ENCODING_LEAST_RESOLUTION = 112,
    ENCODING_RESOLUTION_STEP = 16,
    ENCODING_MOST_RESOLUTION = ENCODING_LEAST_RESOLUTION + (ENCODING_RESOLUTIONS - 1) * ENCODING_RESOLUTION_STEP,
    ENCODING_MAX_ACTIVE = SPACE_MAX_DIMS + 1, /* features that are not 0 */
};

struct encoding {
    const struct space *space;
    int features;
    int first_resolution;      /* number of the feature of class 112 */
    int base[SPACE_MAX_DIMS];  /* number of a dimension's first feature; -1: it has none */
    int depth[SPACE_MAX_DIMS]; /* dimension that decides whether the block is there; its position in the stage */
    int position[SPACE_MAX_DIMS];
};

struct feature {
    int number;
    float value;
};

/** Number the features of a space. @param space borrowed; must outlive the encoding. */
void encoding_init(struct encoding *, const struct space *);

/** Whether a resolution is within 112..224. */
bool encoding_has_resolution(int resolution);

/** The features that are not 0, those of blocks first. Dimensions of skipped blocks are not looked at.
 *  @param out ENCODING_MAX_ACTIVE. @return how many; 0 when the resolution is out of range. */
int encoding_features(const struct encoding *, const struct subnet *, struct feature *out);

/** The one or two features of a resolution, their values summing to 1. @return how many; 0: out of range. */
int encoding_resolution_features(const struct encoding *, int resolution, struct feature *out);

#endif
