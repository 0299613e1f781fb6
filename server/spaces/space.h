/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Search spaces as data: a JSON document names a family, and the family (C) lowers subnets of it to layers.
 *
 * A space is a list of dimensions, each with a few values (a resolution; the depth of a stage; kernel size and expand
 * ratio of a block; a width). A subnet is one value index a dimension. A space is also a list of slots, in network
 * order: places where a layer may stand. Which layer stands in a slot depends on few dimensions, named by the slot, so
 * that every additive cost of a space is a sum of small tables, one a slot.
 *
 * To add a family: one file with a const struct space_family, listed in families.c; see inverted_residual.c.
 * Threads: a struct space never changes after space_parse(); any number of threads may use it. */
#ifndef LATHE_SPACES_SPACE_H
#define LATHE_SPACES_SPACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lut/base/rng.h"
#include "lut/layer/layer.h"

enum {
    SPACE_MAX_DIMS = 128,
    SPACE_MAX_VALUES = 64,
    SPACE_MAX_SLOTS = 96,
    SPACE_MAX_STAGES = 16,
    SPACE_SLOT_DIMS = 6,
};

enum dim_kind { DIM_RESOLUTION, DIM_DEPTH, DIM_KERNEL, DIM_EXPAND, DIM_WIDTH };

struct space_dim {
    enum dim_kind kind;
    int index; /* place in the kind's list of subnet documents; 0 for the resolution */
    int stage; /* that the dimension belongs to, a bottleneck's stem being 0; -1: the whole network */
    int count; /* of values */
    int values[SPACE_MAX_VALUES]; /* ascending: pixels, blocks, taps; expand ratios and widths in thousandths */
};

struct space_slot {
    char label[40];   /* "stem", "stem2.conv2d", "first", "stage2.block3", "head1.conv2d", "head2.avgpool", ... */
    int stage, block; /* block within the whole network as in subnet documents; -1 outside the stages */
    int dim_count;
    int dims[SPACE_SLOT_DIMS]; /* indices of the dimensions that decide the slot's layer, ascending */
};

/* One subnet: the index of the chosen value for each dimension. Dimensions of skipped blocks are 0 in canonical form.
 */
struct subnet {
    uint8_t at[SPACE_MAX_DIMS];
};

struct space;

/** Build a space from its document; server/spaces/README.md describes the format. Unknown fields are errors, and so are
 *  sizes beyond any network's. @param[out] out space_free() it. */
enum lathe_status space_parse(const json_t *document, struct space **out, struct lathe_error *err);
void space_free(struct space *);

const char *space_id(const struct space *);
/** The document that it was built from; borrowed. */
const json_t *space_document(const struct space *);
const char *space_family_name(const struct space *);
const char *space_title(const struct space *);

int space_dim_count(const struct space *);
const struct space_dim *space_dim(const struct space *, int dim);
int space_slot_count(const struct space *);
const struct space_slot *space_slot(const struct space *, int slot);
int space_resolution_dim(const struct space *);

/** The index of a dimension's value as people write it (expand ratios and widths in ones); -1: it has no such value. */
int space_find_value(const struct space *, int dim, double value);

/* The choices of a slot at one resolution: the combinations of its other dimensions, numbered by mixed radix. */
struct space_choices {
    int count;     /* of combinations, at least 1 */
    int dim_count; /* of dimensions, the resolution left out */
    int dims[SPACE_SLOT_DIMS], counts[SPACE_SLOT_DIMS], strides[SPACE_SLOT_DIMS];
};
void space_choices_init(const struct space *, int slot, struct space_choices *out);
/** The number of the combination that a subnet has. */
static inline int space_choice_of(const struct space_choices *c, const struct subnet *s)
{
    int choice = 0;
    for (int i = 0; i < c->dim_count; i++) choice += s->at[c->dims[i]] * c->strides[i];
    return choice;
}
/** Give a subnet combination number `choice`, from 0 to count - 1; its other dimensions stay. */
void space_choose(const struct space_choices *, int choice, struct subnet *s);

/** Whether a dimension has any effect in this subnet (a skipped block's kernel has none). */
bool space_dim_active(const struct space *, const struct subnet *, int dim);
/** Set the dimensions that have no effect to 0, so that equal networks are equal bytes. */
void space_canonicalise(const struct space *, struct subnet *);
bool subnet_equal(const struct subnet *, const struct subnet *);
/** A hash of the canonical form, stable over runs and machines. */
uint64_t space_subnet_id(const struct space *, const struct subnet *);

/** The layer in a slot; only the dimensions in slot->dims are read. @return false when the slot is skipped. */
bool space_slot_layer(const struct space *, const struct subnet *, int slot, struct layer *out);
/** The whole network. @param layers space for SPACE_MAX_SLOTS. @return the number of layers. */
int space_lower(const struct space *, const struct subnet *, struct layer *layers);

/** Uniform over the values of each dimension, canonical. */
void space_random(const struct space *, struct rng *, struct subnet *out);

/** Subnet documents: {"space","resolution","depth":[..],"kernel":[..],"expand":[..],"width":[..]}, lists that the space
 *  has no dimensions for left out; entries of skipped blocks are written as 0 and ignored on reading. "space" may be
 * left out on reading; another space's is an error. */
enum lathe_status subnet_from_json(const struct space *, const json_t *, struct subnet *out, struct lathe_error *err);
json_t *subnet_to_json(const struct space *, const struct subnet *);

/* Figures of a whole subnet, for a batch of one. */
struct subnet_cost {
    uint64_t macs, params;
    uint64_t weight_bytes, peak_activation_bytes; /* for the dtype asked */
};
void space_cost(const struct space *, const struct subnet *, enum dtype, struct subnet_cost *out);

/** The number of different subnets, as a double (10^19 does not fit an integer type that prints well). */
double space_size(const struct space *);

/** The number of different layers that a table must have for the space's largest resolution; 0 when out of memory. */
int space_rows_per_resolution(const struct space *);

#endif
