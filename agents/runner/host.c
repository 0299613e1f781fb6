/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/host.h"

#include <ctype.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lut/base/clock.h"
#include "lut/base/file.h"

/* The rest of the first line "key<spaces>: value" of a file, without a newline. */
static bool find_line(const char *path, const char *key, char *out, size_t capacity)
{
    char line[4096];
    bool found = false;
    FILE *f = fopen(path, "re");
    if (!f) return false;
    while (!found && fgets(line, sizeof line, f)) {
        size_t n = strlen(key);
        if (strncmp(line, key, n) != 0) continue;
        const char *value = line + n;
        value += strspn(value, " \t");
        if (*value != ':') continue;
        value += 1 + strspn(value + 1, " \t");
        snprintf(out, capacity, "%.*s", (int)strcspn(value, "\n"), value);
        found = true;
    }
    fclose(f);
    return found;
}

static bool first_line(const char *path, char *out, size_t capacity)
{
    bool found = false;
    FILE *f = fopen(path, "re");
    if (!f) return false;
    if (fgets(out, (int)capacity, f)) {
        out[strcspn(out, "\n")] = '\0';
        found = out[0] != '\0';
    }
    fclose(f);
    return found;
}

void host_cpu(char *out, size_t capacity)
{
    char implementer[32];
    char part[32];
    if (find_line("/proc/cpuinfo", "model name", out, capacity)) return;
    if (find_line("/proc/cpuinfo", "CPU implementer", implementer, sizeof implementer) &&
        find_line("/proc/cpuinfo", "CPU part", part, sizeof part)) {
        char board[96];
        if (!first_line("/sys/firmware/devicetree/base/model", board, sizeof board)) board[0] = '\0';
        snprintf(out, capacity, "%s%simplementer %s part %s", board, board[0] ? ", " : "", implementer, part);
        return;
    }
    snprintf(out, capacity, "unknown");
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return true;
    return false;
}

void host_isa(char *out, size_t capacity)
{
    static const char *const known[] = {"sse4_1",   "avx",         "f16c",        "fma",  "avx2",  "avx512f",
                                        "avx512bw", "avx512_vnni", "avx512_bf16", "neon", "asimd", "fphp",
                                        "asimdhp",  "asimddp",     "i8mm",        "sve",  "bf16",  "asimdfhm"};
    char flags[4096];
    size_t n = 0;
    out[0] = '\0';
    if (find_line("/proc/cpuinfo", "flags", flags, sizeof flags) ||
        find_line("/proc/cpuinfo", "Features", flags, sizeof flags))
        for (size_t i = 0; i < sizeof known / sizeof known[0] && n < capacity; i++)
            if (has_word(flags, known[i])) n += (size_t)snprintf(out + n, capacity - n, "%s%s", n ? "," : "", known[i]);
    if (n == 0) snprintf(out, capacity, "none");
}

/* The program's own file: the one that this code is mapped from. /proc/self/exe is the loader's when the program was
 * started by it, as bundles are. */
static bool find_program(char *out, size_t capacity)
{
    char line[4096 + 128];
    bool found = false;
    uintptr_t here = (uintptr_t)&find_program;
    FILE *f = fopen("/proc/self/maps", "re");
    if (!f) return false;
    while (!found && fgets(line, sizeof line, f)) {
        char *end = NULL;
        uintptr_t first = (uintptr_t)strtoull(line, &end, 16);
        if (*end != '-' || here < first || here >= (uintptr_t)strtoull(end + 1, NULL, 16)) continue;
        const char *path = strchr(line, '/');
        if (!path) break;
        snprintf(out, capacity, "%.*s", (int)strcspn(path, "\n"), path);
        found = true;
    }
    fclose(f);
    return found;
}

/* FNV-1a of the program's file. */
static uint64_t hash_program(void)
{
    uint64_t hash = 0xcbf29ce484222325u;
    char path[4096];
    char *data;
    size_t size;
    if (!find_program(path, sizeof path)) snprintf(path, sizeof path, "/proc/self/exe");
    if (file_read(path, (size_t)1 << 30, &data, &size, NULL)) return 0;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3u;
    free(data);
    return hash;
}

const char *host_build_id(void)
{
    static char id[17];
    if (!id[0]) snprintf(id, sizeof id, "%016" PRIx64, hash_program());
    return id;
}

uint32_t host_boot_id(void)
{
    uint32_t id;
    if (getrandom(&id, sizeof id, GRND_NONBLOCK) == (ssize_t)sizeof id) return id;
    return (uint32_t)getpid() ^ (uint32_t)clock_now_ns();
}

/* Processors this program may run on, "0-3,6". */
static void print_affinity(char *out, size_t capacity)
{
    cpu_set_t set;
    size_t n = 0;
    snprintf(out, capacity, "unknown");
    if (sched_getaffinity(0, sizeof set, &set)) return;
    for (int cpu = 0; cpu < CPU_SETSIZE && n < capacity; cpu++) {
        if (!CPU_ISSET(cpu, &set)) continue;
        int last = cpu;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &set)) last++;
        n += (size_t)snprintf(out + n, capacity - n, last > cpu ? "%s%d-%d" : "%s%d", n ? "," : "", cpu, last);
        cpu = last;
    }
}

/* Emulated by QEMU's user mode the system is the host's: its /proc/cpuinfo tells of another architecture. Whoever
 * emulates otherwise sets LATHE_EMULATED. @return NULL: not emulated, as far as can be seen. */
static const char *emulation(void)
{
    const char *told = getenv("LATHE_EMULATED");
    if (told && *told) return told;
#if defined(__aarch64__) || defined(__arm__)
    char text[64];
    if (find_line("/proc/cpuinfo", "vendor_id", text, sizeof text) &&
        !find_line("/proc/cpuinfo", "CPU implementer", text, sizeof text))
        return sizeof(void *) == 8 ? "qemu-aarch64" : "qemu-arm";
#endif
    return NULL;
}

static void add(struct host_lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct host_lines *lines, const char *format, ...)
{
    if (lines->count == HOST_LINES) return;
    char *line = lines->line[lines->count++];
    va_list args;
    va_start(args, format);
    vsnprintf(line, HOST_LINE_BYTES, format, args);
    va_end(args);
    for (; *line; line++)
        if (!isprint((unsigned char)*line)) *line = '?';
}

void host_fingerprint(const struct runtime *runtime, const struct runtime_options *o, struct host_lines *out)
{
    static const char cpufreq[] = "/sys/devices/system/cpu/cpu0/cpufreq";
    char text[HOST_LINE_BYTES];
    char path[96];
    struct utsname system;
    out->count = 0;
    add(out, "runner=lathe-run %s %s", LATHE_VERSION, host_build_id());
    add(out, "runtime=%s %s", runtime->name, runtime->version());
    add(out, "dtype=%s", dtype_name(o->dtype));
    add(out, "threads=%d", o->threads);
    add(out, "batch=%d", o->batch);
    host_cpu(text, sizeof text);
    add(out, "cpu=%s", text);
    host_isa(text, sizeof text);
    add(out, "isa=%s", text);
    if (uname(&system) == 0) add(out, "kernel=%s %s", system.release, system.machine);
    snprintf(path, sizeof path, "%s/scaling_governor", cpufreq);
    add(out, "governor=%s", first_line(path, text, sizeof text) ? text : "none");
    snprintf(path, sizeof path, "%s/cpuinfo_max_freq", cpufreq);
    add(out, "max_khz=%s", first_line(path, text, sizeof text) ? text : "unknown");
    print_affinity(text, sizeof text);
    add(out, "affinity=%s", text);
    add(out, "flags=%s", LATHE_BUILD_FLAGS);
    if (emulation()) add(out, "emulated=%s", emulation());
    if (!runtime->describe) return;
    struct runtime_lines more = {0};
    runtime->describe(o, &more);
    for (int i = 0; i < more.count; i++) add(out, "%s", more.line[i]);
}
