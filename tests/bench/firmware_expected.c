/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The outputs that the firmware's bench must come to: a line "<case> crc <hex>" for each of its cases, by the reference
 * runtime. */
#include <stdio.h>
#include <stdlib.h>

#include "agents/runner/core/rig.h"
#include "agents/wire/frame.h"
#include "firmware/bench/cases.h"

static bool print_case(const struct bench_case *c)
{
    const struct rig_options o = {
        .runtime = runtime_find("reference"), .options = {DTYPE_INT8, 1, 1}, .seed = BENCH_SEED};
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    enum lathe_status st = rig_open(&o, &rig, &err);
    if (!st) st = rig_build(rig, 0, &c->layer, 1, &built, &err);
    if (!st) st = rig_run(rig, 0, 0, 1, false, &samples, &err);
    if (st) fprintf(stderr, "%s: %s\n", c->name, err.message);
    else printf("%s crc %08x\n", c->name, wire_crc32(0, samples->output, samples->output_bytes));
    rig_close(rig);
    return st == LATHE_OK;
}

int main(void)
{
    bool good = true;
    for (int i = 0; i < bench_case_count; i++) good = print_case(&bench_cases[i]) && good;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
