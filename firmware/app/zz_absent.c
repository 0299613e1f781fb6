/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Until the kernels are there: networks run in no time and compute nothing. */
#include "firmware/kernels/execute.h"
const int8_t kernel_blob[KERNEL_BLOB_BYTES];
const char *kernel_flavour(void)
{
    return "plain";
}
void kernel_input(const struct layer *a, uint32_t b, void *c)
{
    (void)a;
    (void)b;
    (void)c;
}
void kernel_prepare(struct kernel_layer *o, const struct layer *l, int oc, uint32_t s, const int8_t *b, void *a)
{
    (void)o;
    (void)l;
    (void)oc;
    (void)s;
    (void)b;
    (void)a;
}
void kernel_run(const struct kernel_layer *k)
{
    (void)k;
}
