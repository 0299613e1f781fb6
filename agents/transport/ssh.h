/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Devices reached by the OpenSSH client: what transport.h does not say.
 *
 * The command that ssh carries is always the same text (ssh_script.c). Everything else, hashes and the arguments of a
 * runner that the agent's configuration names, goes to it as lines on standard input: nothing is ever read by a shell.
 *   device: lathe: arch ARCH           agent: "deploy", hash, checksum | "run", count, arguments | "clean", hash
 *   device: lathe: here, or lathe: missing: then the agent sends the size, and after "lathe: send" the archive
 *   device: lathe: ready, after the agent sent a mask of processors (or an empty line); then the runner speaks
 *   device: lathe: failed STEP DETAIL  and ends; nothing half-done stays
 * Threads: any. */
#ifndef LATHE_TRANSPORT_SSH_H
#define LATHE_TRANSPORT_SSH_H

#include <stdbool.h>
#include <stdint.h>

#include "agents/transport/transport.h"

/* What the device's shell runs: sh -c and a script in single quotes, in one line. */
extern const char ssh_command[];

/** Whether text is [user@]host of letters, digits and . _ : -, neither part empty or first with '-'. */
bool ssh_is_destination(const char *text);

/** Remove runners from a device's cache, all but the one that would be used now.
 *  @param[out] freed_kb what that freed. @return as a transport's open(). */
enum lathe_status ssh_clean(const struct transport_options *, uint64_t *freed_kb, struct lathe_error *err);

#endif
