/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/ssh_hosts.h"

#include <glob.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lut/base/file.h"

/* DEPTH_MOST: of files that include files; ssh's own limit. FILES_MOST: that are read in all. */
enum { FILE_BYTES = 1 << 20, DEPTH_MOST = 16, FILES_MOST = 256, WORD_BYTES = 1024, NAME_MOST = 255 };

struct reading {
    json_t *hosts;
    int depth, files;
};

/* Where ssh looks for a user's files: the home that the system says, whatever $HOME is. */
static bool find_home(char *out, size_t size)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char room[16384];
    if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) || !found) return false;
    return snprintf(out, size, "%s", found->pw_dir) < (int)size;
}

/* The next word of a line, quotes taken away. @return whether there is one. */
static bool next_word(const char **at, char word[WORD_BYTES])
{
    const char *p = *at + strspn(*at, " \t\r");
    size_t n = 0;
    if (!*p) return false;
    bool quoted = *p == '"';
    p += quoted;
    for (; *p && (quoted ? *p != '"' : !strchr(" \t\r", *p)); p++)
        if (n + 1 < WORD_BYTES) word[n++] = *p;
    word[n] = '\0';
    *at = p + (quoted && *p);
    return true;
}

/* Whether a line has this keyword; its words begin at *at then. Between them is space, or one '='. */
static bool has_keyword(const char *line, const char *keyword, const char **at)
{
    line += strspn(line, " \t");
    size_t n = strlen(keyword);
    if (strncasecmp(line, keyword, n) != 0 || !line[n] || !strchr(" \t=", line[n])) return false;
    line += n + strspn(line + n, " \t");
    *at = line + (*line == '=');
    return true;
}

/* What a device's destination may be: no pattern and no exclusion is. */
static bool is_machine(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    size_t n = strlen(name);
    return n > 0 && n <= NAME_MOST && name[0] != '-' && strspn(name, allowed) == n;
}

static void add_host(json_t *hosts, const char *name)
{
    size_t i;
    const json_t *known;
    if (!is_machine(name) || json_array_size(hosts) == SSH_HOSTS_MOST) return;
    json_array_foreach(hosts, i, known)
    {
        if (strcmp(json_string_value(known), name) == 0) return;
    }
    json_array_append_new(hosts, json_string(name));
}

static void read_config(const char *path, struct reading *r);

/* Files of a pattern, which is relative to ~/.ssh. */
static void include(const char *pattern, struct reading *r)
{
    char whole[WORD_BYTES + 512 + 8];
    char home[512];
    glob_t found;
    if (pattern[0] == '/' || pattern[0] == '~') snprintf(whole, sizeof whole, "%s", pattern);
    else if (find_home(home, sizeof home)) snprintf(whole, sizeof whole, "%s/.ssh/%s", home, pattern);
    else return;
    if (glob(whole, GLOB_TILDE, NULL, &found)) return;
    for (size_t i = 0; i < found.gl_pathc; i++) read_config(found.gl_pathv[i], r);
    globfree(&found);
}

static void read_line(const char *line, struct reading *r)
{
    char word[WORD_BYTES];
    const char *at;
    if (has_keyword(line, "Host", &at)) {
        while (next_word(&at, word) && word[0] != '#') add_host(r->hosts, word);
    } else if (has_keyword(line, "Include", &at)) {
        while (next_word(&at, word) && word[0] != '#') include(word, r);
    }
}

static void read_config(const char *path, struct reading *r)
{
    char *text = NULL;
    size_t size = 0;
    char *rest = NULL;
    if (r->depth == DEPTH_MOST || r->files++ >= FILES_MOST || file_read(path, FILE_BYTES, &text, &size, NULL)) return;
    r->depth++;
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
        read_line(line, r);
    r->depth--;
    free(text);
}

json_t *ssh_hosts_list(const char *path)
{
    char own[576];
    char home[512];
    json_t *hosts = json_array();
    if (!path && find_home(home, sizeof home)) {
        snprintf(own, sizeof own, "%s/.ssh/config", home);
        path = own;
    }
    if (hosts && path) read_config(path, &(struct reading){.hosts = hosts});
    return hosts;
}
