/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The machines that an OpenSSH client configuration knows by name: what its Host lines say, wildcards and exclusions
 * left out, files of Include lines followed. Threads: any. */
#ifndef LATHE_AGENT_SSH_HOSTS_H
#define LATHE_AGENT_SSH_HOSTS_H

#include <jansson.h>

enum { SSH_HOSTS_MOST = 1000 };

/** Names in the order of the file, each once. What can't be read is passed over, as a configuration that is not there
 *  is; ssh itself will say what is wrong with it. @param path NULL: ~/.ssh/config. @return new array; NULL: no memory.
 */
json_t *ssh_hosts_list(const char *path);

#endif
