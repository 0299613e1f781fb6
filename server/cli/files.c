/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>

#include "lut/base/file.h"
#include "lut/base/json.h"
#include "server/cli/cli.h"

enum exit_code complain(const struct lathe_error *err)
{
    fprintf(stderr, "lathe: %s\n", err->message);
    return err->status == LATHE_NOT_FOUND ? EXIT_ABSENT : EXIT_FAILED;
}

enum exit_code read_json_file(const char *file, size_t max_bytes, json_t **out)
{
    struct lathe_error err = {0};
    char *text;
    size_t size;
    if (file_read(file, max_bytes, &text, &size, &err)) return complain(&err);
    enum lathe_status st = json_parse(text ? text : "", size, out, &err);
    free(text);
    if (!st) return EXIT_DONE;
    fprintf(stderr, "lathe: %s: %s\n", file, err.message);
    return EXIT_FAILED;
}
