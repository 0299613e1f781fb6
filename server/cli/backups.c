/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe backup, and lathe restore, which needs no server. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lut/base/clock.h"
#include "server/cli/verbs.h"
#include "server/keep/backup.h"
#include "server/store/store.h"

static enum exit_code file_failed(const char *doing, const char *file)
{
    fprintf(stderr, "lathe: can't %s %s: %s\n", doing, file, strerror(errno));
    return EXIT_FAILED;
}

/* ---- backup ---- */

/* What the server sends, on disk under the name part. */
static enum exit_code fetch(const struct cli *cli, const char *part)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return file_failed("create", part);
    FILE *file = fdopen(fd, "wb");
    if (!file) {
        close(fd);
        return file_failed("create", part);
    }
    enum exit_code code = call_to_file(cli, "/v1/backup", "application/octet-stream", file);
    if (!code && (fflush(file) != 0 || fsync(fd) != 0)) code = file_failed("write", part);
    fclose(file);
    return code;
}

/* Make the file's new name survive a power cut. */
static void sync_folder_of(const char *file)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", file);
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    if (fsync(fd) != 0) fprintf(stderr, "lathe: can't sync %s: %s\n", slash ? folder : ".", strerror(errno));
    close(fd);
}

static void tell_backup(const struct cli *cli, const char *file, const struct backup_info *info)
{
    char made[25];
    clock_format(info->created_ms, made);
    if (cli->json) {
        json_t *document = json_pack("{s:s,s:I,s:s}", "file", file, "bytes", (json_int_t)info->bytes, "created", made);
        print_json(document);
        json_decref(document);
        return;
    }
    printf("%s: %.1f MB, as of %s, complete\n", file, (double)info->bytes / 1e6, made);
    printf("Restore it with: lathe restore %s --data DIR\n", file);
}

static enum exit_code run_backup(struct cli *cli)
{
    const char *file = cli->arguments[0];
    char part[PATH_MAX];
    struct backup_info info;
    struct lathe_error err = {0};
    if (!cli_option(cli, "force")->given && access(file, F_OK) == 0) {
        fprintf(stderr, "lathe: %s is there already: choose another name, or --force\n", file);
        return EXIT_FAILED;
    }
    if (snprintf(part, sizeof part, "%s.part", file) >= (int)sizeof part)
        return cli_misuse(cli->verb, "the name of the file is too long");
    enum exit_code code = fetch(cli, part);
    if (!code && backup_check(part, &info, &err)) code = complain(&err);
    if (!code && rename(part, file) != 0) code = file_failed("rename", part);
    if (code) {
        unlink(part);
        return code;
    }
    sync_folder_of(file);
    tell_backup(cli, file, &info);
    return EXIT_DONE;
}

static const struct option_spec backup_options[] = {
    {"force", OPTION_FLAG, NULL, "replace FILE if it is there"},
    {0},
};

const struct verb backup_verb = {
    .noun = "backup",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .options = backup_options,
    .run = run_backup,
    .summary = "Copy all that the running server has into a file, and check it.",
    .examples = "  lathe backup lathe-2026-11-25.backup\n"
                "  lathe backup /mnt/nas/lathe.backup --force\n",
};

/* ---- restore ---- */

static void tell_restored(const struct cli *cli, const char *dir, const struct restored *r)
{
    char made[25];
    clock_format(r->backup.created_ms, made);
    if (cli->json) {
        json_t *document = json_pack("{s:s,s:s,s:I,s:o}", "data", dir, "created", made, "keys", (json_int_t)r->keys,
                                     "aside", r->aside[0] ? json_string(r->aside) : json_null());
        print_json(document);
        json_decref(document);
        return;
    }
    printf("%s has what the server had at %s: %llu entries\n", dir, made, (unsigned long long)r->keys);
    if (r->aside[0]) printf("What was there before is %s/%s\n", dir, r->aside);
    printf("Start it with: lathed --data %s\nIt writes a new admin.token then; other tokens are as they were.\n", dir);
}

static enum exit_code run_restore(struct cli *cli)
{
    char own[PATH_MAX];
    const struct option_value *data = cli_option(cli, "data");
    struct restored restored;
    struct lathe_error err = {0};
    data_folder(own, sizeof own);
    struct restore_request request = {
        .file = cli->arguments[0],
        .dir = data->given ? data->text : own,
        .force = cli_option(cli, "force")->given,
        .version = STORE_VERSION,
    };
    if (backup_restore(&request, &restored, &err)) return complain(&err);
    tell_restored(cli, request.dir, &restored);
    return EXIT_DONE;
}

static const struct option_spec restore_options[] = {
    {"data", OPTION_TEXT, "DIR", "the data folder; default: $LATHE_DATA, else that of lathed"},
    {"force", OPTION_FLAG, NULL, "move what DIR has aside"},
    {0},
};

const struct verb restore_verb = {
    .noun = "restore",
    .arguments = "FILE",
    .least = 1,
    .most = 1,
    .options = restore_options,
    .run = run_restore,
    .summary = "Make a backup the data of a server that does not run.",
    .examples = "  lathe restore lathe-2026-11-25.backup --data /var/lib/lathe\n",
};
