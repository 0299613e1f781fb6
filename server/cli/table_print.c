/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/cli/cli.h"

enum { COLUMNS_MOST = 12, CELL_BYTES = 320, GAP = 2, NARROWEST = 8 };

size_t terminal_width(FILE *stream)
{
    struct winsize size;
    if (!isatty(fileno(stream))) return 0;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static bool may_emphasize(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (no_color && no_color[0]) return false;
    return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Characters of a UTF-8 text. */
static size_t text_width(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += !is_continuation(*text);
    return n;
}

/* Cut a text to so many characters, the last of which says that it was cut. */
static void cut(char *text, size_t width)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    size_t at = 0;
    if (text_width(text) <= width) return;
    for (size_t n = 0; text[at]; at++) {
        if (is_continuation(text[at])) continue;
        if (++n == width) break;
    }
    snprintf(text + at, CELL_BYTES - at, "%s", utf8 ? "\xe2\x80\xa6" : "~");
}

static void print_cell(const struct column *column, const json_t *row, char out[CELL_BYTES])
{
    const json_t *value = json_at(row, column->field);
    if (!json_is_number(value) || column->decimals == CELL_TEXT) value_print(value, out, CELL_BYTES - 4);
    else if (column->decimals == CELL_SHORT) snprintf(out, CELL_BYTES, "%.3g", json_number_value(value));
    else snprintf(out, CELL_BYTES, "%.*f", column->decimals, json_number_value(value));
}

/* Take from the widest texts what is too much for the terminal. */
static void fit(const struct column *columns, size_t *widths, size_t count, size_t terminal)
{
    size_t total = GAP * (count - 1);
    for (size_t c = 0; c < count; c++) total += widths[c];
    while (total > terminal) {
        size_t widest = count;
        for (size_t c = 0; c < count; c++)
            if (columns[c].decimals == CELL_TEXT && (widest == count || widths[c] > widths[widest])) widest = c;
        if (widest == count || widths[widest] <= NARROWEST) return;
        widths[widest]--;
        total--;
    }
}

/* A row, or with NULL the headings. */
static void print_row(const struct column *columns, const size_t *widths, size_t count, const json_t *row)
{
    char cell[CELL_BYTES];
    for (size_t c = 0; c < count; c++) {
        if (row) print_cell(&columns[c], row, cell);
        else snprintf(cell, sizeof cell, "%s", columns[c].heading);
        bool is_text = columns[c].decimals == CELL_TEXT;
        bool last = c + 1 == count;
        if (is_text) cut(cell, widths[c]);
        size_t width = text_width(cell);
        size_t padding = width < widths[c] ? widths[c] - width : 0;
        if (is_text) printf("%s%*s", cell, last ? 0 : (int)padding, "");
        else printf("%*s%s", (int)padding, "", cell);
        if (!last) printf("%*s", GAP, "");
    }
}

void print_table(const struct column *columns, const json_t *rows)
{
    size_t widths[COLUMNS_MOST];
    char cell[CELL_BYTES];
    size_t count = 0;
    size_t terminal = terminal_width(stdout);
    bool emphasize = may_emphasize();
    for (; count < COLUMNS_MOST && columns[count].heading; count++) widths[count] = strlen(columns[count].heading);
    for (size_t r = 0; r < json_array_size(rows); r++) {
        for (size_t c = 0; c < count; c++) {
            print_cell(&columns[c], json_array_get(rows, r), cell);
            if (text_width(cell) > widths[c]) widths[c] = text_width(cell);
        }
    }
    if (terminal) fit(columns, widths, count, terminal);
    if (emphasize) fputs("\033[1m", stdout);
    print_row(columns, widths, count, NULL);
    puts(emphasize ? "\033[0m" : "");
    for (size_t r = 0; r < json_array_size(rows); r++) {
        print_row(columns, widths, count, json_array_get(rows, r));
        putchar('\n');
    }
}

enum exit_code list_and_print(const struct cli *cli, const char *path, const struct column *columns,
                              const char *when_empty)
{
    json_t *document;
    enum exit_code code = call_pages(cli, path, &document);
    if (code) return code;
    const json_t *items = json_object_get(document, "items");
    if (cli->json) print_json(document);
    else if (json_array_size(items) == 0) puts(when_empty);
    else print_table(columns, items);
    json_decref(document);
    return EXIT_DONE;
}
