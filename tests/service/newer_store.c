/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* newer-store DIR: make a data folder of a version that no lathed of today writes. */
#include <stdio.h>

#include "lut/kv/kv.h"

enum { FAR_VERSION = 1000000 };

int main(int argc, char **argv)
{
    struct lathe_error err = {0};
    struct kv *kv = NULL;
    if (argc != 2) return 2;
    if (kv_open(argv[1], FAR_VERSION, NULL, &kv, &err)) {
        fprintf(stderr, "newer-store: %s\n", err.message);
        return 1;
    }
    kv_close(kv);
    return 0;
}
