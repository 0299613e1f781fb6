/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/bundle.h"

#include <dirent.h>
#include <elf.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/file.h"

/* NAME_MOST: of ustar's name field. */
enum { FILES_MAX = 64, NAME_MOST = 99, BLOCK = 512, PATH_BYTES = 4096 };
static const size_t FILE_MOST = (size_t)256 << 20;

/* ELF machines by the names that the kernel gives them. */
static const struct {
    const char *name;
    uint16_t machine;
} architectures[] = {
    {"x86_64", EM_X86_64}, {"aarch64", EM_AARCH64}, {"armv7l", EM_ARM}, {"riscv64", EM_RISCV}, {"i686", EM_386},
};

void bundle_clear(struct bundle *b)
{
    free(b->data);
    *b = (struct bundle){0};
}

uint32_t cksum_posix(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint32_t crc = 0;
    size_t length = n;
    for (size_t i = 0; i < n || length; i++) {
        unsigned char byte = i < n ? at[i] : (unsigned char)length;
        if (i >= n) length >>= 8;
        crc ^= (uint32_t)byte << 24;
        for (int bit = 0; bit < 8; bit++) crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
    }
    return ~crc;
}

static void hash_hex(const void *bytes, size_t n, char out[65])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, n);
    sodium_bin2hex(out, 65, hash, sizeof hash);
}

/* What an architecture may be called: it becomes part of a path. */
static bool is_architecture(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && n <= 32 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct name_list {
    char *names[FILES_MAX];
    size_t count;
};

static void clear_names(struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->names[i]);
    list->count = 0;
}

/* The names in a folder in order; hidden ones are left out. @return false when it can't be read, or holds too many. */
static bool list_folder(const char *path, struct name_list *list)
{
    DIR *folder = opendir(path);
    if (!folder) return false;
    bool good = true;
    for (const struct dirent *entry; good && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        good = list->count < FILES_MAX && strlen(entry->d_name) <= NAME_MOST;
        char *name = good ? strdup(entry->d_name) : NULL;
        good = name != NULL;
        if (good) list->names[list->count++] = name;
    }
    closedir(folder);
    qsort(list->names, list->count, sizeof *list->names, by_name);
    return good;
}

static void put_file(struct buf *tar, const char *name, const char *bytes, size_t n)
{
    static const char zeros[BLOCK];
    char h[BLOCK] = "";
    unsigned sum = 0;
    snprintf(h, 100, "%s", name);
    memcpy(h + 100, "0000755", 8);
    memcpy(h + 108, "0000000", 8);
    memcpy(h + 116, "0000000", 8);
    snprintf(h + 124, 12, "%011llo", (unsigned long long)n);
    memcpy(h + 136, "00000000000", 12);
    memset(h + 148, ' ', 8);
    h[156] = '0';
    memcpy(h + 257, "ustar", 6);
    h[263] = h[264] = '0';
    for (int i = 0; i < BLOCK; i++) sum += (unsigned char)h[i];
    snprintf(h + 148, 8, "%06o", sum);
    buf_put(tar, h, sizeof h);
    buf_put(tar, bytes, n);
    buf_put(tar, zeros, (BLOCK - n % BLOCK) % BLOCK);
}

static enum lathe_status check_machine(const char *path, const char *architecture, const char *bytes, size_t n,
                                       struct lathe_error *err)
{
    Elf64_Ehdr h; /* e_machine stands at the same place in 32-bit files */
    if (n < sizeof h || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return error_set(err, LATHE_INVALID, "%s is no program: build the runner for %s anew", path, architecture);
    memcpy(&h, bytes, sizeof h);
    for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++) {
        if (strcmp(architectures[i].name, architecture) == 0 && architectures[i].machine != h.e_machine)
            return error_set(err, LATHE_INVALID, "%s is a program of another architecture than %s: build it anew", path,
                             architecture);
    }
    return LATHE_OK;
}

static enum lathe_status put_files(const char *folder, const char *architecture, const struct name_list *list,
                                   struct buf *tar, struct lathe_error *err)
{
    struct buf sums;
    enum lathe_status st = LATHE_OK;
    bool program = false;
    buf_init(&sums);
    for (size_t i = 0; !st && i < list->count; i++) {
        char path[PATH_BYTES];
        char line[NAME_MOST + 80];
        char hash[65];
        char *bytes = NULL;
        size_t n = 0;
        snprintf(path, sizeof path, "%s/%s/%s", folder, architecture, list->names[i]);
        st = file_read(path, FILE_MOST, &bytes, &n, err);
        if (!st && strcmp(list->names[i], "lathe-run") == 0) {
            program = true;
            st = check_machine(path, architecture, bytes, n, err);
        }
        if (!st) {
            hash_hex(bytes, n, hash);
            int size = snprintf(line, sizeof line, "%s  %s\n", hash, list->names[i]);
            buf_put(&sums, line, (size_t)size);
            put_file(tar, list->names[i], bytes, n);
        }
        free(bytes);
    }
    if (!st && !program) st = error_set(err, LATHE_INVALID, "%s/%s has no lathe-run", folder, architecture);
    if (!st) put_file(tar, "SHA256SUMS", sums.data, sums.size);
    buf_clear(&sums);
    return st;
}

static enum lathe_status no_bundle(const char *folder, const char *architecture, struct lathe_error *err)
{
    struct name_list list = {0};
    char there[256] = "";
    size_t n = 0;
    list_folder(folder, &list);
    for (size_t i = 0; i < list.count && n < sizeof there; i++)
        n += (size_t)snprintf(there + n, sizeof there - n, "%s%s", n ? ", " : "", list.names[i]);
    clear_names(&list);
    return error_set(
        err, LATHE_UNSUPPORTED,
        "the device is of architecture %.40s, and there is no runner for it in %s (there: %s): build one, or "
        "name a runner on the device in the agent's configuration",
        architecture, folder, there[0] ? there : "none");
}

enum lathe_status bundle_make(const char *folder, const char *architecture, struct bundle *out, struct lathe_error *err)
{
    static const char end[2 * BLOCK];
    struct name_list list = {0};
    struct buf tar;
    char path[PATH_BYTES];
    if (sodium_init() < 0) return error_set(err, LATHE_IO, "can't start libsodium");
    snprintf(path, sizeof path, "%s/%s", folder, architecture);
    if (!is_architecture(architecture) || !list_folder(path, &list)) {
        clear_names(&list);
        return no_bundle(folder, architecture, err);
    }
    buf_init(&tar);
    enum lathe_status st = put_files(folder, architecture, &list, &tar, err);
    buf_put(&tar, end, sizeof end);
    if (!st && tar.failed) st = error_set(err, LATHE_NO_MEMORY, "out of memory for the runner in %s", path);
    clear_names(&list);
    if (st) {
        buf_clear(&tar);
        return st;
    }
    *out = (struct bundle){.data = tar.data, .size = tar.size};
    hash_hex(out->data, out->size, out->hash);
    out->cksum = cksum_posix(out->data, out->size);
    return LATHE_OK;
}
