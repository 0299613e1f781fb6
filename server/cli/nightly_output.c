/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lut/base/file.h"
#include "server/cli/nightly.h"

const struct option_spec nightly_report_options[] = {
    {"junit", OPTION_TEXT, "FILE", "write JUnit XML (of all three: - is standard output, instead of the text)"},
    {"markdown", OPTION_TEXT, "FILE", "write Markdown"},
    {"json", OPTION_TEXT, "FILE", "write the run as the server tells it"},
    {0},
};

static void as_json(const json_t *run, struct buf *out)
{
    char *text = json_dumps(run, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (text) buf_puts(out, text);
    buf_puts(out, "\n");
    out->failed |= !text;
    free(text);
}

static const struct {
    const char *option;
    void (*print)(const json_t *, struct buf *);
} reports[] = {{"junit", nightly_junit}, {"markdown", nightly_markdown}, {"json", as_json}};

enum { REPORTS = sizeof reports / sizeof reports[0] };

static bool is_stdout(const char *file)
{
    return strcmp(file, "-") == 0;
}

/* Whether the folder that a file is to be in can be written to. */
static bool has_folder(const char *file)
{
    char *copy = strdup(file);
    bool good = copy && access(dirname(copy), W_OK | X_OK) == 0;
    free(copy);
    return good;
}

bool nightly_check_outputs(struct cli *cli)
{
    int on_stdout = 0;
    for (size_t i = 0; i < REPORTS; i++) {
        const struct option_value *file = cli_option(cli, reports[i].option);
        if (!file->given) continue;
        on_stdout += is_stdout(file->text);
        if (is_stdout(file->text) || has_folder(file->text)) continue;
        cli_misuse(cli->verb, "--%s: there is no folder for %s that can be written to", reports[i].option, file->text);
        return false;
    }
    const struct option_value *json = cli_option(cli, "json");
    cli->json = json->given && is_stdout(json->text);
    if (on_stdout > 1) cli_misuse(cli->verb, "only one report can go to standard output");
    return on_stdout <= 1;
}

static enum exit_code write_report(const char *file, const struct buf *text)
{
    struct lathe_error err = {0};
    if (text->failed) {
        fputs("lathe: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    if (is_stdout(file)) {
        fwrite(text->data, 1, text->size, stdout);
        return EXIT_DONE;
    }
    return file_write(file, text->data, text->size, 0644, &err) ? complain(&err) : EXIT_DONE;
}

static enum exit_code make_report(const char *file, void (*print)(const json_t *, struct buf *), const json_t *run)
{
    struct buf text;
    buf_init(&text);
    print(run, &text);
    enum exit_code code = write_report(file, &text);
    buf_clear(&text);
    return code;
}

enum exit_code nightly_output(const struct cli *cli, const json_t *run)
{
    enum exit_code code = EXIT_DONE;
    bool text = true;
    for (size_t i = 0; i < REPORTS; i++) {
        const struct option_value *file = cli_option(cli, reports[i].option);
        if (!file->given) continue;
        if (make_report(file->text, reports[i].print, run)) code = EXIT_FAILED;
        if (is_stdout(file->text)) text = false;
    }
    if (text && make_report("-", nightly_text, run)) code = EXIT_FAILED;
    return code;
}
