/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Whole files in and out. Threads: any. */
#ifndef LATHE_BASE_FILE_H
#define LATHE_BASE_FILE_H

#include <stddef.h>

#include "lut/base/error.h"

/** Read a whole file; "-" is standard input.
 *  @param[out] data NUL-terminated after size bytes; the caller frees it.
 *  @return LATHE_OK, LATHE_NOT_FOUND, LATHE_INVALID (longer than max_bytes) or LATHE_IO; err names the file. */
enum lathe_status file_read(const char *path, size_t max_bytes, char **data, size_t *size, struct lathe_error *err);

/** Write a whole file in one step: a temporary file beside it is synced and renamed over it, so that readers see the
 *  old or the new content and nothing else. @param mode e.g. 0600. */
enum lathe_status file_write(const char *path, const void *data, size_t size, unsigned mode, struct lathe_error *err);

#endif
