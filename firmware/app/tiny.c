/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/tiny.h"

#include <string.h>

#include "firmware/app/session.h"
#include "firmware/app/text.h"
#include "firmware/app/tiny_network.h"
#include "firmware/app/visit.h"
#include "firmware/boards/board.h"
#include "firmware/boards/clock.h"

/* Harnesses send up to 80 characters. INFER_MAX: inferences of one command. */
enum { COMMAND_BYTES = 128, LINE_BYTES = 128, INFER_MAX = 100000, WARMUP_DEFAULT = 10 };

/* What a stretch of bytes is: text of a command; the same, but just behind a zero byte, so that it may be a frame's
 * beginning; or no text, up to the next zero byte or '%'. */
enum stretch { TEXT, BEHIND_ZERO, NO_TEXT };

static char command[COMMAND_BYTES];
static size_t size;
static enum stretch stretch;

static void send(const char *text)
{
    board.send((const uint8_t *)text, strlen(text));
}

/* before, number, after: "m-lap-us-17\r\n". */
static void send_number(const char *before, uint64_t number, const char *after)
{
    char line[LINE_BYTES];
    struct text t = text_into(line, sizeof line);
    text_add(&t, before);
    text_number(&t, number);
    text_add(&t, after);
    send(line);
}

static void send_named(const char *before, const char *name, const char *after)
{
    send(before);
    send(name);
    send(after);
}

static void fail(const char *why)
{
    send_named("e-[", why, "]\r\n");
}

/* The next word, ended by NUL in place; NULL at the end. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    if (!*word) return NULL;
    char *end = word + strcspn(word, " ");
    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* Digits only. @return false when it is no number up to most. */
static bool to_number(const char *word, uint32_t most, uint32_t *out)
{
    uint64_t number = 0;
    if (!*word) return false;
    for (; *word; word++) {
        if (*word < '0' || *word > '9') return false;
        number = number * 10 + (uint64_t)(*word - '0');
        if (number > most) return false;
    }
    *out = (uint32_t)number;
    return true;
}

static void timestamp(void)
{
    send_number("m-lap-us-", visit_clock_us(), "\r\n");
}

static void on_name(char *arguments)
{
    (void)arguments;
    send_named("m-name-dut-[lathe ", board.name, "]\r\n");
}

static void on_profile(char *arguments)
{
    char name[16];
    const struct network network = tiny_network();
    (void)arguments;
    tiny_network_name(&network, name);
    send("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\n");
    send_named("m-model-[", name, "]\r\n");
}

static void on_timestamp(char *arguments)
{
    (void)arguments;
    timestamp();
}

static void on_help(char *arguments)
{
    (void)arguments;
    send("name, profile, timestamp, help, each ended by %\r\n"
         "infer N [W=10]: N inferences after W to warm up\r\n"
         "results: the last one's output\r\n"
         "db load N, db HEX, db print: the input; unless it was loaded, one is made\r\n");
}

/* The last inference's output, real values with three digits: an int8 is a 32nd. */
static void on_results(char *arguments)
{
    const uint32_t bytes = visit_last()->output_bytes;
    (void)arguments;
    if (!bytes) {
        fail("no inference was run, or what came after it took its memory");
        return;
    }
    send("m-results-[");
    for (uint32_t i = 0; i < bytes; i++) {
        const uint8_t byte = visit_output()[i];
        const int value = byte < 128 ? byte : byte - 256;
        const uint32_t thousandths = ((uint32_t)(value < 0 ? -value : value) * 1000 + 16) / 32;
        char line[LINE_BYTES];
        struct text t = text_into(line, sizeof line);
        if (i) text_add(&t, ",");
        if (value < 0) text_add(&t, "-");
        text_number(&t, thousandths / 1000);
        text_add(&t, thousandths % 1000 < 10 ? ".00" : thousandths % 1000 < 100 ? ".0" : ".");
        text_number(&t, thousandths % 1000);
        send(line);
    }
    send("]\r\n");
}

static void infer(const struct network *n, uint32_t count, uint32_t warmup)
{
    const int8_t *input = tiny_input_whole(n);
    send_number("m-warmup-start-", warmup, "\r\n");
    while (warmup--) visit_infer(n, session_seed(), input);
    send("m-warmup-done\r\n");
    send_number("m-infer-start-", count, "\r\n");
    timestamp();
    while (count--) visit_infer(n, session_seed(), input);
    timestamp();
    send("m-infer-done\r\n");
}

static void on_infer(char *arguments)
{
    uint32_t count = 1;
    uint32_t warmup = WARMUP_DEFAULT;
    const char *counted = next_word(&arguments);
    const char *warm = counted ? next_word(&arguments) : NULL;
    const struct network network = tiny_network();
    if (counted && (!to_number(counted, INFER_MAX, &count) || !count)) {
        fail("Inference iterations must be from 1 to 100000");
        return;
    }
    if (warm && !to_number(warm, INFER_MAX, &warmup)) {
        fail("Inference warmup must be from 0 to 100000");
        return;
    }
    if (!clock_is_sound()) {
        send_named("e-[the emulator does not count instructions: start it with ", board.timer()->emulator_option,
                   "]\r\n");
        return;
    }
    infer(&network, count, warmup);
    on_results(NULL);
}

static void load(const char *word)
{
    uint32_t bytes = 0;
    const struct network network = tiny_network();
    if (!word || !to_number(word, UINT32_MAX, &bytes)) {
        fail("Command 'db load' requires the # of bytes");
        return;
    }
    visit_forget(); /* what the last run left may lie where the input goes */
    const char *why = tiny_input_begin(&network, bytes);
    if (why) fail(why);
    else send_number("m-[Expecting ", bytes, " bytes]\r\n");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void load_bytes(const char *word)
{
    for (; word[0]; word += 2) {
        int high = hex_digit(word[0]);
        int low = word[1] ? hex_digit(word[1]) : -1;
        if (high < 0 || low < 0) {
            fail("not pairs of hex digits");
            return;
        }
        if (!tiny_input_add((int8_t)(high << 4 | low))) continue;
        send("m-load-done\r\n");
        return;
    }
}

static void print_bytes(void)
{
    uint32_t bytes = 0;
    const int8_t *input = tiny_input(&bytes);
    for (uint32_t i = 0; i < bytes; i++) {
        static const char digits[] = "0123456789abcdef";
        const uint8_t value = (uint8_t)input[i];
        const char line[] = {digits[value >> 4], digits[value & 15], '\0'};
        const bool last = i % 8 == 7 || i + 1 == bytes;
        send_named(i % 8 ? "" : "m-buffer-", line, last ? "\r\n" : "-");
    }
}

static void on_db(char *arguments)
{
    const char *word = next_word(&arguments);
    if (!word) fail("Command 'db' requires a subcommand");
    else if (strcmp(word, "load") == 0) load(next_word(&arguments));
    else if (strcmp(word, "print") == 0) print_bytes();
    else load_bytes(word);
}

static const struct {
    const char *name;
    void (*run)(char *arguments);
} commands[] = {{"name", on_name}, {"profile", on_profile}, {"timestamp", on_timestamp}, {"help", on_help},
                {"db", on_db},     {"infer", on_infer},     {"results", on_results}};

/* @param sure false: what is no command is nothing. */
static void run_command(char *text, bool sure)
{
    const char *name = next_word(&text);
    size_t i = 0;
    while (name && i < sizeof commands / sizeof commands[0] && strcmp(commands[i].name, name) != 0) i++;
    if (name && i < sizeof commands / sizeof commands[0]) commands[i].run(text);
    else if (!sure) return;
    else send_named("e-[Unknown command: ", name ? name : "", "]\r\n");
    send("m-ready\r\n");
}

static void begin(enum stretch next)
{
    stretch = next;
    size = 0;
}

void tiny_receive(uint8_t byte)
{
    if (byte == 0) {
        begin(BEHIND_ZERO);
    } else if (byte == '%') {
        const enum stretch was = stretch;
        command[size] = '\0';
        begin(TEXT);
        if (was != NO_TEXT) run_command(command, was == TEXT);
    } else if (byte == '\r' || byte == '\n') {
        return;
    } else if (byte < ' ' || byte > '~' || size + 1 == COMMAND_BYTES) {
        begin(NO_TEXT);
    } else if (stretch != NO_TEXT) {
        command[size++] = (char)byte;
    }
}
