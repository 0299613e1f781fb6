/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A subnet as the numbers that predictors take: once-for-all's one-hot encodings, see predictor.h. Which one, the
 * space's family says. Threads: an encoding never changes after encoding_init(). */
#ifndef LATHE_PREDICTORS_ENCODING_H
#define LATHE_PREDICTORS_ENCODING_H

#include "server/spaces/space.h"

enum {
    ENCODING_RESOLUTIONS_MOST = 12,           /* classes of resolution */
    ENCODING_MAX_ACTIVE = SPACE_MAX_DIMS + 1, /* features that are not 0 */
};

struct encoding {
    const struct space *space;
    const int *resolutions; /* classes, ascending; static */
    int resolution_count;
    bool takes_ofa_layout; /* whether its order is that of once-for-all's AccuracyPredictor (layers.*, base_acc) */
    int features;
    int first_resolution;         /* number of the feature of the first class */
    int base[SPACE_MAX_DIMS];     /* number of a dimension's first feature; -1: it has none */
    int depth[SPACE_MAX_DIMS];    /* dimension that decides whether the dimension's block is there */
    int position[SPACE_MAX_DIMS]; /* of the block in its stage; -1: always there */
};

struct feature {
    int number;
    float value;
};

/** Number the features of a space. @param space borrowed; must outlive the encoding. */
void encoding_init(struct encoding *, const struct space *);

/** Whether a resolution is within the classes. */
bool encoding_has_resolution(const struct encoding *, int resolution);

/** The features that are not 0, those of the resolution last. Dimensions of skipped blocks are not looked at.
 *  @param out ENCODING_MAX_ACTIVE. @return how many; 0 when the resolution is out of range. */
int encoding_features(const struct encoding *, const struct subnet *, struct feature *out);

/** The one or two features of a resolution, their values summing to 1. @return how many; 0: out of range. */
int encoding_resolution_features(const struct encoding *, int resolution, struct feature *out);

#endif
