/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The verbs, one file a noun. Arrays end with a verb without noun. */
#ifndef LATHE_CLI_VERBS_H
#define LATHE_CLI_VERBS_H

#include "server/cli/cli.h"

extern const struct verb device_verbs[], profile_verbs[], table_verbs[], space_verbs[], predictor_verbs[],
    token_verbs[], network_verbs[], nightly_verbs[], shipped_verbs[];
extern const struct verb profile_verb, subnet_verb, front_verb, measure_verb, compare_verb, nightly_verb, shipped_verb,
    status_verb, backup_verb, restore_verb;

/* scan.c, of device_verbs[] */
extern const struct option_spec scan_options[];
enum exit_code run_scan(struct cli *);

/* history.c, of nightly_verbs[] */
extern const struct option_spec history_options[];
enum exit_code run_history(struct cli *);

#endif
