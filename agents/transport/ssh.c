/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/ssh.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agents/transport/bundle.h"
#include "agents/transport/process.h"
#include "lut/base/clock.h"
#include "lut/base/cpus.h"
#include "lut/base/text.h"

/* SSH_FAILED: what ssh ends with when it is at fault, not the command on the device. */
enum {
    SSH_FAILED = 255,
    CONNECT_MS = 40000, /* ssh's ten seconds to connect, a slow login, and some */
    ANSWER_MS = 120000, /* checksums, unpacking and a first start on a slow card */
    SLICE_MS = 200,
    CHUNK_BYTES = 64 * 1024,
    CHATTER_BYTES = 64 * 1024, /* of a login that prints */
    LINE_BYTES = 512,
    ARGUMENTS = 32,
};

bool ssh_is_destination(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    size_t n = strlen(text);
    size_t user = strspn(text, allowed);
    if (n == 0 || n > 255 || text[0] == '-') return false;
    if (user == n) return true;
    const char *host = text + user + 1;
    return user > 0 && text[user] == '@' && *host && *host != '-' && host[strspn(host, allowed)] == '\0';
}

static bool says(const struct process_end *end, const char *words)
{
    return strstr(end->log, words) != NULL;
}

static const char *host_of(const char *destination)
{
    const char *at = strchr(destination, '@');
    return at ? at + 1 : destination;
}

/* ssh's own failures, by the words that it has had for twenty years. */
static enum lathe_status explain_ssh(const struct process_end *end, struct lathe_error *err)
{
    if (says(end, "HOST IDENTIFICATION HAS CHANGED") || says(end, "POSSIBLE DNS SPOOFING DETECTED"))
        return error_set(err, LATHE_DENIED,
                         "the host key of %s has changed: it is another machine, or was set up anew; if so, remove the "
                         "old key where the agent runs: ssh-keygen -R %s, then accept the new one: ssh %s",
                         end->name, host_of(end->name), end->name);
    if (says(end, "Host key verification failed"))
        return error_set(err, LATHE_DENIED,
                         "the host key of %s is not known: accept it once by hand where the agent runs: ssh %s",
                         end->name, end->name);
    if (says(end, "Permission denied (") || says(end, "Too many authentication failures"))
        return error_set(err, LATHE_DENIED,
                         "%s does not accept the agent's key: append the agent's public key to ~/.ssh/authorized_keys "
                         "there, as ssh-copy-id does (ssh said: %s)",
                         end->name, end->line);
    if (says(end, "configuration option") || says(end, "Can't open user config file") ||
        says(end, "Bad owner or permissions"))
        return error_set(err, LATHE_INVALID, "ssh can't use its configuration: %s", end->line);
    return error_set(err, LATHE_IO, "no connection to %s: %s", end->name,
                     end->line[0] ? end->line : "ssh said nothing");
}

/* Until the device's shell has answered. */
static enum lathe_status explain_login(const struct process_end *end, struct lathe_error *err)
{
    if (!end->exited || !WIFEXITED(end->status)) return LATHE_OK;
    int code = WEXITSTATUS(end->status);
    if (code == SSH_FAILED) return explain_ssh(end, err);
    return error_set(err, LATHE_IO, "%s let the agent in, but its shell ended with exit status %d%s%s", end->name, code,
                     end->line[0] ? ": " : "", end->line);
}

/* From then on: what the words are is the runner's affair, whatever they look like. */
static enum lathe_status explain_device(const struct process_end *end, struct lathe_error *err)
{
    if (!end->exited || !WIFEXITED(end->status)) return LATHE_OK;
    int code = WEXITSTATUS(end->status);
    if (code == SSH_FAILED)
        return error_set(err, LATHE_IO, "the connection to %s broke%s%s", end->name, end->line[0] ? ": " : "",
                         end->line);
    return error_set(err, LATHE_IO, "the runner on %s ended with exit status %d%s%s", end->name, code,
                     end->line[0] ? ": " : "", end->line);
}

static enum lathe_status start_ssh(const struct transport_options *o, struct link **out, struct lathe_error *err)
{
    const char *argv[ARGUMENTS];
    char port[16];
    size_t n = 0;
    int code = 0;
    static const char *const fixed[] = {
        "ssh", "-T",
        "-x",  "-a",
        "-o",  "BatchMode=yes",
        "-o",  "ConnectTimeout=10",
        "-o",  "ServerAliveInterval=5",
        "-o",  "ServerAliveCountMax=3",
        "-o",  "RemoteCommand=none",
        "-o",  "ClearAllForwardings=yes",
        "-o",  "PermitLocalCommand=no",
        "-o",  "LogLevel=ERROR",
    };
    for (; n < sizeof fixed / sizeof fixed[0]; n++) argv[n] = fixed[n];
    if (o->ssh_config) {
        argv[n++] = "-F";
        argv[n++] = o->ssh_config;
    }
    if (o->port) {
        snprintf(port, sizeof port, "%d", o->port);
        argv[n++] = "-p";
        argv[n++] = port;
    }
    argv[n++] = "--";
    argv[n++] = o->destination;
    argv[n++] = ssh_command;
    argv[n] = NULL;
    struct process_spec spec = {.argv = argv, .name = o->destination, .explain = explain_login};
    enum lathe_status st = process_open(&spec, out, &code, err);
    if (code)
        return error_set(err, LATHE_UNSUPPORTED,
                         "failed to start ssh: install the OpenSSH client on the agent's machine");
    return st;
}

static bool stopping(const struct transport_options *o)
{
    return o->stop && atomic_load(o->stop);
}

static enum lathe_status read_byte(struct link *l, const struct transport_options *o, uint64_t deadline_ns, char *out,
                                   struct lathe_error *err)
{
    size_t got = 0;
    enum lathe_status st;
    do {
        if (stopping(o)) return error_set(err, LATHE_CANCELLED, "stopped");
        st = process_read(l, out, 1, SLICE_MS, &got, err);
    } while (st == LATHE_TIMEOUT && clock_now_ns() < deadline_ns);
    return st;
}

/* The next thing that the script says; what a login prints is passed over. @param[out] line without "lathe: ". */
static enum lathe_status hear(struct link *l, const struct transport_options *o, int timeout_ms, char line[LINE_BYTES],
                              struct lathe_error *err)
{
    static const char mark[] = "lathe: ";
    uint64_t deadline = clock_now_ns() + (uint64_t)timeout_ms * 1000000u;
    char text[LINE_BYTES] = "";
    size_t n = 0;
    for (int total = 0; total < CHATTER_BYTES; total++) {
        char byte = 0;
        enum lathe_status st = read_byte(l, o, deadline, &byte, err);
        if (st) return st;
        if (byte != '\n') {
            if (n + 1 < sizeof text) text[n++] = byte;
            continue;
        }
        text[n] = '\0';
        n = 0;
        if (strncmp(text, mark, strlen(mark)) != 0) continue;
        memcpy(line, text + strlen(mark), strlen(text + strlen(mark)) + 1);
        return LATHE_OK;
    }
    return error_set(err, LATHE_IO, "%s prints without end instead of running a shell", o->destination);
}

/* ---- what the script says went wrong ---- */

/* What a failed step means for a person, with what the device's own programs said. */
static enum lathe_status step_failed(const struct transport_options *o, const char *said, struct lathe_error *err)
{
    static const struct {
        const char *step;
        enum lathe_status status;
        const char *words;
    } steps[] = {
        {"make", LATHE_UNSUPPORTED,
         "the folder for the runner can't be made: point LATHE_CACHE to another place there"},
        {"copy", LATHE_UNSUPPORTED,
         "the runner does not fit on its disk: make room, or point LATHE_CACHE to another place there"},
        {"check", LATHE_IO, "the runner arrived damaged"},
        {"unpack", LATHE_UNSUPPORTED,
         "the runner can't be unpacked: make room, or point LATHE_CACHE to another place there"},
        {"start", LATHE_UNSUPPORTED,
         "the runner was copied, but does not start: is its folder mounted noexec, or is it of another architecture?"},
        {"rename", LATHE_IO, "the runner can't be put in its place"},
        {"absent", LATHE_NOT_FOUND, "there is no such program: the agent's configuration names it as the runner"},
        {"taskset", LATHE_UNSUPPORTED,
         "there is no taskset, which \"cpus\" needs: install util-linux, or remove \"cpus\""},
        {"cpus", LATHE_UNSUPPORTED, "it does not have the processors that \"cpus\" names"},
        {"remove", LATHE_UNSUPPORTED, "a runner can't be removed"},
    };
    size_t n = strcspn(said, " ");
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strlen(steps[i].step) != n || strncmp(steps[i].step, said, n) != 0) continue;
        const char *detail = said + n + strspn(said + n, " ");
        return error_set(err, steps[i].status, "%s: %s%s%.200s%s", o->destination, steps[i].words, *detail ? " (" : "",
                         detail, *detail ? ")" : "");
    }
    return error_set(err, LATHE_IO, "%s: the script there failed: %.200s", o->destination, said);
}

/* hear(), and expect a word. @param[out] rest what follows it; may be NULL. */
static enum lathe_status expect(struct link *l, const struct transport_options *o, int timeout_ms, const char *word,
                                char *rest, struct lathe_error *err)
{
    char line[LINE_BYTES];
    size_t n = strlen(word);
    enum lathe_status st = hear(l, o, timeout_ms, line, err);
    if (st) return st;
    if (strncmp(line, "failed ", 7) == 0) return step_failed(o, line + 7, err);
    if (strncmp(line, word, n) != 0 || (line[n] && line[n] != ' '))
        return error_set(err, LATHE_IO, "%s said \"%.100s\" where \"%s\" was due", o->destination, line, word);
    if (rest) snprintf(rest, LINE_BYTES, "%s", line + n + (line[n] == ' '));
    return LATHE_OK;
}

static enum lathe_status say(struct link *l, const char *text, struct lathe_error *err)
{
    enum lathe_status st = process_write(l, text, strlen(text), err);
    return st ? st : process_write(l, "\n", 1, err);
}

/* ---- what is asked of it ---- */

static enum lathe_status send_archive(struct link *l, const struct transport_options *o, const struct bundle *b,
                                      struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    for (size_t at = 0; !st && at < b->size; at += CHUNK_BYTES) {
        size_t n = b->size - at < CHUNK_BYTES ? b->size - at : CHUNK_BYTES;
        st = stopping(o) ? error_set(err, LATHE_CANCELLED, "stopped") : process_write(l, b->data + at, n, err);
    }
    if (st != LATHE_IO) return st;
    /* The other side has closed its end, and may have said why before. */
    char line[LINE_BYTES];
    if (!hear(l, o, SLICE_MS, line, NULL) && strncmp(line, "failed ", 7) == 0) return step_failed(o, line + 7, err);
    return st;
}

static enum lathe_status deploy(struct link *l, const struct transport_options *o, const char *architecture,
                                struct lathe_error *err)
{
    struct bundle b;
    char text[160];
    char line[LINE_BYTES];
    enum lathe_status st = bundle_make(o->bundles ? o->bundles : "", architecture, &b, err);
    if (st) return st;
    snprintf(text, sizeof text, "deploy\n%s\n%" PRIu32 " %zu", b.hash, b.cksum, b.size);
    st = say(l, text, err);
    if (!st) st = hear(l, o, ANSWER_MS, line, err);
    if (!st && strncmp(line, "failed ", 7) == 0) st = step_failed(o, line + 7, err);
    if (!st && strcmp(line, "here") != 0) {
        snprintf(text, sizeof text, "%zu", b.size);
        st = say(l, text, err);
        if (!st) st = expect(l, o, ANSWER_MS, "send", NULL, err);
        if (!st) st = send_archive(l, o, &b, err);
        if (!st) st = expect(l, o, ANSWER_MS, "here", NULL, err);
    }
    bundle_clear(&b);
    return st;
}

static enum lathe_status name_program(struct link *l, const char *const *argv, struct lathe_error *err)
{
    char text[32];
    int count = 0;
    for (; argv[count]; count++)
        if (strchr(argv[count], '\n')) return error_set(err, LATHE_INVALID, "a runner's arguments can't hold newlines");
    snprintf(text, sizeof text, "run\n%d", count);
    enum lathe_status st = say(l, text, err);
    for (int i = 0; !st && i < count; i++) st = say(l, argv[i], err);
    return st;
}

static enum lathe_status limit_cpus(struct link *l, const char *cpus, struct lathe_error *err)
{
    cpu_set_t set;
    char mask[CPUS_MASK_BYTES] = "";
    if (cpus) {
        enum lathe_status st = cpus_parse(cpus, &set, err);
        if (st) return st;
        cpus_mask(&set, mask);
    }
    return say(l, mask, err);
}

/* ---- reaching it ---- */

static enum lathe_status connect_once(const struct transport_options *o, struct link **out, char *architecture,
                                      struct lathe_error *err)
{
    struct link *l = NULL;
    enum lathe_status st = start_ssh(o, &l, err);
    if (st) return st;
    st = expect(l, o, CONNECT_MS, "arch", architecture, err);
    if (st) {
        process_close(l);
        return st;
    }
    process_explain_by(l, explain_device);
    *out = l;
    return LATHE_OK;
}

/* @param[out] architecture LINE_BYTES: what the device says it is. */
static enum lathe_status reach(const struct transport_options *o, struct link **out, char *architecture,
                               struct lathe_error *err)
{
    if (!o || !o->destination || !ssh_is_destination(o->destination) || o->port < 0 || o->port > 65535)
        return error_field(err, "device.transport.destination",
                           "the device's destination is not [USER@]HOST of letters, digits and . _ : -");
    struct retry retry;
    enum lathe_status st;
    retry_begin(&retry, o);
    do st = connect_once(o, out, architecture, err);
    while (retry_wait(&retry, st, err));
    return st;
}

static enum lathe_status ssh_open(const char *const *argv, const struct transport_options *o, struct link **out,
                                  struct lathe_error *err)
{
    struct link *l = NULL;
    char architecture[LINE_BYTES];
    enum lathe_status st = reach(o, &l, architecture, err);
    if (st) return st;
    st = argv ? name_program(l, argv, err) : deploy(l, o, architecture, err);
    if (!st) st = limit_cpus(l, o->cpus, err);
    if (!st) st = expect(l, o, ANSWER_MS, "ready", NULL, err);
    if (st) process_close(l);
    else *out = l;
    return st;
}

enum lathe_status ssh_clean(const struct transport_options *o, uint64_t *freed_kb, struct lathe_error *err)
{
    struct link *l = NULL;
    struct bundle b = {0};
    char line[LINE_BYTES];
    char text[96];
    enum lathe_status st = reach(o, &l, line, err);
    if (st) return st;
    /* Without a runner for it all goes. */
    if (bundle_make(o->bundles ? o->bundles : "", line, &b, NULL)) b.hash[0] = '\0';
    snprintf(text, sizeof text, "clean\n%s", b.hash);
    bundle_clear(&b);
    st = say(l, text, err);
    if (!st) st = expect(l, o, ANSWER_MS, "freed", line, err);
    process_close(l);
    if (st) return st;
    if (!text_to_u64(line, strlen(line), freed_kb))
        return error_set(err, LATHE_IO, "%s said \"freed %.40s\", which is no number", o->destination, line);
    return LATHE_OK;
}

const struct transport ssh_transport = {
    .name = "ssh",
    .peer = "lathe-run",
    .open = ssh_open,
    .write = process_write,
    .read = process_read,
    .close = process_close,
};
