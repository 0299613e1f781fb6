/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What spaces and their families share. Nothing outside this folder includes it.
 *
 * space_parse() reads what all documents have (id, title, source, family); the family's parse() reads the rest, fills
 * in stages, dimensions and slots by the functions below, and keeps its own figures in space->family_data. */
#ifndef LATHE_SPACES_INTERNAL_H
#define LATHE_SPACES_INTERNAL_H

#include "lut/base/json.h"
#include "server/spaces/space.h"

/* Limits that keep a document's sizes and the work that it causes within reason. */
enum {
    SPACE_MAX_BLOCKS = 60,        /* of all stages at their deepest */
    SPACE_MAX_RESOLUTION = 4096,  /* pixels */
    SPACE_MAX_CHANNELS = 16384,   /* of a layer's input or output */
    SPACE_MAX_EXPAND = 16000,     /* thousandths */
    SPACE_MAX_STAGE_DEPTHS = 8,   /* choices of depth in one stage */
    SPACE_MAX_BLOCK_CHOICES = 64, /* kernels x expand ratios of one block */
    SPACE_MAX_STAGE_WIDTHS = 2,   /* dimensions of width that one stage has */
    DIM_KINDS = DIM_WIDTH + 1,
};

struct space;

struct space_family {
    const char *name;
    /* Read the family's fields. Fields of the object that nobody reads are refused afterwards by the caller. */
    enum lathe_status (*parse)(struct json_fields *, struct space *, struct lathe_error *);
    bool (*slot_layer)(const struct space *, const struct subnet *, int slot, struct layer *out);
    void (*free_data)(void *family_data);
};

struct space_stage {
    int first_block; /* in numbers of the whole network */
    int blocks;      /* at the deepest */
    int depth_dim;
};

struct space_block {
    int stage, kernel_dim, expand_dim; /* kernel_dim: -1 where the space has no choice of kernels */
};

/* The dimensions of one kind: they stand together, in order of their index. */
struct space_kind {
    int first, count;
};

struct space {
    char id[65];
    json_t *document;
    const struct space_family *family;
    void *family_data;
    int dim_count, slot_count, stage_count, block_count;
    struct space_dim dims[SPACE_MAX_DIMS];
    struct space_slot slots[SPACE_MAX_SLOTS];
    struct space_stage stages[SPACE_MAX_STAGES];
    struct space_block blocks[SPACE_MAX_BLOCKS];
    struct space_kind kinds[DIM_KINDS];
};

/** NULL when there is no such family. */
const struct space_family *space_family_find(const char *name);
/** "inverted_residual, ..."; static. */
const char *space_family_names(void);

extern const struct space_family inverted_residual_family, bottleneck_family;

/** The value that a subnet chose for a dimension. */
static inline int space_value(const struct space *space, const struct subnet *s, int dim)
{
    return space->dims[dim].values[s->at[dim]];
}

/** A dimension's value as people write it: expand ratios and widths in ones. */
static inline double space_shown_value(const struct space_dim *dim, int i)
{
    return dim->kind == DIM_EXPAND || dim->kind == DIM_WIDTH ? dim->values[i] / 1000.0 : dim->values[i];
}

/** Whether a block is there at the subnet's depth. */
static inline bool space_block_active(const struct space *space, const struct subnet *s, int block)
{
    const struct space_stage *stage = &space->stages[space->blocks[block].stage];
    return block - stage->first_block < space_value(space, s, stage->depth_dim);
}

/** Read {"min","max","step"} or a list under "resolutions" and make it dimension 0. */
enum lathe_status space_read_resolutions(struct json_fields *, struct space *, struct lathe_error *err);

/* The choices of one stage. Without kernels its blocks have no such dimension; without expand ratios it has no blocks:
 * its depth is one of parts without choices. */
struct stage_choices {
    struct space_dim depth, kernel, expand; /* kind, index and stage are filled in later */
    struct space_dim widths[SPACE_MAX_STAGE_WIDTHS];
    int width_count;
};
/** Read "kernel" (odd, ascending) or "expand" (ratios in thousandths, ascending) of an object; absent: out untouched.
 */
void space_read_kernels(struct json_fields *, struct space_dim *out);
void space_read_expands(struct json_fields *, struct space_dim *out);
/** Read "width", ratios in thousandths, ascending; required. */
void space_read_widths(struct json_fields *, struct space_dim *out);
/** Read "depth", ascending and not below `least`; required. */
void space_read_depths(struct json_fields *, int least, struct space_dim *out);

/* Single values; 0 after a failure. */
int space_read_int(struct json_fields *, const char *name, int min, int max);
enum activation space_read_activation(struct json_fields *);
/** An odd "kernel", at least `least`. */
int space_read_kernel(struct json_fields *, int least);
/** Put the place in a list before the field that an error names. @return st. */
enum lathe_status space_in_item(enum lathe_status st, const char *list, size_t at, struct lathe_error *err);

/** Make the dimensions of all stages after the resolution: depths by stage, kernels by block, expands by block, widths
 *  by stage; fills stages, blocks and kinds. Too many of them is LATHE_INVALID. */
enum lathe_status space_add_stages(struct space *, const struct stage_choices *, int count, struct lathe_error *err);

/** Make a choice of width for the whole network, the last dimension. @param[out] dim its number. Too many dimensions is
 *  LATHE_INVALID (field "width"). */
enum lathe_status space_add_width(struct space *, const struct space_dim *widths, int *dim, struct lathe_error *err);

/** Name a dimension that decides a slot's layer: ascending. */
static inline void space_depend(struct space_slot *slot, int dim)
{
    slot->dims[slot->dim_count++] = dim;
}

static inline struct shape space_square(int n, int channels)
{
    return (struct shape){.h = n, .w = n, .c = channels};
}

/** Append a slot that depends on no dimension yet. @return NULL when there are SPACE_MAX_SLOTS already. */
struct space_slot *space_add_slot(struct space *, int stage, int block);

#endif
