/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A runner to be copied to a device: the files of <folder>/<architecture>/ (lathe-run, the libraries that it needs, and
 * their loader as "loader") in one tar archive with their checksums, so that it runs whatever the device has installed.
 * The same files make the same bytes.
 *
 * Threads: plain values. */
#ifndef LATHE_TRANSPORT_BUNDLE_H
#define LATHE_TRANSPORT_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "lut/base/error.h"

struct bundle {
    char *data; /* ustar: the files, and SHA256SUMS of them */
    size_t size;
    char hash[65];  /* SHA-256 of data, hexadecimal */
    uint32_t cksum; /* of data, as the POSIX program of that name counts */
};

/** @param architecture as `uname -m` prints it. @param[out] out bundle_clear() it.
 *  @return LATHE_UNSUPPORTED when there is none for it (err names those that there are), LATHE_INVALID when its program
 *  is of another architecture, LATHE_IO. */
enum lathe_status bundle_make(const char *folder, const char *architecture, struct bundle *out,
                              struct lathe_error *err);
void bundle_clear(struct bundle *);

/** The CRC that POSIX's cksum prints. */
uint32_t cksum_posix(const void *bytes, size_t n);

#endif
