/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/model.h"

#include <stdlib.h>
#include <string.h>

#include "agents/transport/mlperf_tiny.h"

/* Its clock ticks once a microsecond at best: a tenth of a second is told to a hundred-thousandth. */
static const uint64_t RUN_NS = UINT64_C(100000000);
enum { INFERENCES_MOST = 1000, VISIT_MS = 60000 };

struct model {
    struct mlperf_tiny *board;
    int inferences; /* a run */
    int limit_ms;   /* a run may take */
};

enum lathe_status model_open(const struct target *target, struct model **out, struct lathe_error *err)
{
    uint64_t ns = 0;
    struct model *m = calloc(1, sizeof *m);
    if (!m) return error_set(err, LATHE_NO_MEMORY, "out of memory for a model");
    m->limit_ms = target->visit_s ? target->visit_s * 1000 : VISIT_MS;
    enum lathe_status st = mlperf_tiny_open(target->transport, &target->options, 0, &m->board, err);
    if (st) {
        free(m);
        return st;
    }
    st = mlperf_tiny_infer(m->board, 1, 1, m->limit_ms, &ns, err);
    if (st) {
        model_close(m);
        return st;
    }
    uint64_t n = RUN_NS / ns + 1;
    m->inferences = n < INFERENCES_MOST ? (int)n : INFERENCES_MOST;
    *out = m;
    return LATHE_OK;
}

void model_close(struct model *m)
{
    if (!m) return;
    mlperf_tiny_close(m->board);
    free(m);
}

/* What comes over a serial line need not be UTF-8. */
static json_t *text(const char *from)
{
    json_t *value = json_string(from);
    return value ? value : json_string("?");
}

json_t *model_fingerprint(const struct model *m)
{
    return json_pack("{s:s,s:o,s:o,s:o}", "runner", "mlperf-tiny", "cpu", text(mlperf_tiny_name(m->board)), "model",
                     text(mlperf_tiny_model(m->board)), "firmware", text(mlperf_tiny_profile(m->board)));
}

enum lathe_status model_run(struct model *m, int warmup, int runs, struct visit_samples *out, struct lathe_error *err)
{
    struct visit_samples s = {.runs = runs};
    enum lathe_status st = LATHE_OK;
    s.total_ns = calloc((size_t)runs + 1, sizeof *s.total_ns);
    if (!s.total_ns) return error_set(err, LATHE_NO_MEMORY, "out of memory for samples");
    for (int i = 0; !st && i < runs; i++) {
        uint64_t ns = 0;
        st = mlperf_tiny_infer(m->board, m->inferences, i ? 0 : warmup, m->limit_ms, &ns, err);
        s.total_ns[i] = ns / (uint64_t)m->inferences;
        s.elapsed_ns += ns;
    }
    if (st) visit_samples_clear(&s);
    else *out = s;
    return st;
}
