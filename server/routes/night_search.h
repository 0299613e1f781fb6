/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What nightly runs ask of searches. Threads: any. */
#ifndef LATHE_ROUTES_NIGHT_SEARCH_H
#define LATHE_ROUTES_NIGHT_SEARCH_H

#include "server/nightly/nightly.h"
#include "server/routes/app.h"

/** @param app borrowed by what it gives; its tables, spaces and predictors are there. */
struct nightly_search night_search(struct app *);

#endif
