/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <ctype.h>
#include <dirent.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agents/transport/serial.h"
#include "lut/base/port.h"

/* ---- by path ---- */

/* libserialport takes the kernel's name of a port alone, so links of /dev/serial/by-id are followed. A terminal that
 * the kernel does not list as a port is left to libserialport by the name that was given. */
static void follow_link(const char *name, char *path)
{
    char real[PATH_MAX];
    char listed[PATH_MAX + 32];
    struct sp_port *port;
    snprintf(path, PORT_PATH_BYTES, "%s", name);
    if (!realpath(name, real) || strncmp(real, "/dev/", 5) != 0) return;
    snprintf(listed, sizeof listed, "/sys/class/tty/%s", real + 5);
    if (access(listed, F_OK) || sp_get_port_by_name(real, &port)) return;
    sp_free_port(port);
    snprintf(path, PORT_PATH_BYTES, "%s", real);
}

/* ---- by what is plugged in ---- */

static bool fits(const struct sp_port *port, int vid, int pid, const char *serial)
{
    int v = 0;
    int p = 0;
    if (sp_get_port_transport(port) != SP_TRANSPORT_USB || sp_get_port_usb_vid_pid(port, &v, &p)) return false;
    const char *s = sp_get_port_usb_serial(port);
    return v == vid && p == pid && (!*serial || (s && strcmp(s, serial) == 0));
}

static enum lathe_status find_usb(const char *name, int vid, int pid, const char *serial, char *path,
                                  struct lathe_error *err)
{
    struct sp_port **ports = NULL;
    const char *found = NULL;
    enum lathe_status st = LATHE_OK;
    if (sp_list_ports(&ports)) return error_set(err, LATHE_IO, "failed to list the serial ports");
    for (size_t i = 0; !st && ports[i]; i++) {
        if (!fits(ports[i], vid, pid, serial)) continue;
        if (found)
            st = error_field(err, "device.transport.port",
                             "%s fits %s and %s: add the serial number, or give the path of one", name, found,
                             sp_get_port_name(ports[i]));
        else found = sp_get_port_name(ports[i]);
    }
    if (!st && !found) st = error_set(err, LATHE_IO, "no board %s is plugged in", name);
    if (!st) snprintf(path, PORT_PATH_BYTES, "%s", found);
    sp_free_port_list(ports);
    return st;
}

enum lathe_status serial_find(const char *name, char *path, struct lathe_error *err)
{
    int vid;
    int pid;
    const char *serial;
    if (port_usb(name, &vid, &pid, &serial)) return find_usb(name, vid, pid, serial, path, err);
    if (access(name, F_OK)) return error_set(err, LATHE_IO, "no board is plugged in at %s", name);
    follow_link(name, path);
    return LATHE_OK;
}

/* ---- who has it ---- */

/* Whether a process has a file open. @param folder "/proc/4711/fd". */
static bool has_open(const char *folder, const char *real)
{
    bool found = false;
    struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir && !found && (entry = readdir(dir))) {
        char link[PATH_MAX];
        char target[PATH_MAX];
        snprintf(link, sizeof link, "%s/%s", folder, entry->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n <= 0) continue;
        target[n] = '\0';
        found = strcmp(target, real) == 0;
    }
    if (dir) closedir(dir);
    return found;
}

static void name_process(const char *pid, char *out, size_t out_bytes)
{
    char path[64];
    char comm[32] = "";
    snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
    FILE *file = fopen(path, "re");
    if (file && !fgets(comm, sizeof comm, file)) comm[0] = '\0';
    if (file) fclose(file);
    comm[strcspn(comm, "\n")] = '\0';
    snprintf(out, out_bytes, "%s (process %.16s)", comm[0] ? comm : "a program", pid);
}

/* A line of /proc/locks, "1: FLOCK  ADVISORY  WRITE 1234 08:02:131 0 EOF": pid, major:minor:inode. @return the pid, 0
 * when it is no lock of this file. */
static long holder_in(const char *line, const struct stat *file)
{
    static const char kind[] = "FLOCK  ADVISORY  WRITE ";
    const char *at = strstr(line, kind);
    char *end;
    if (!at) return 0;
    long pid = strtol(at + sizeof kind - 1, &end, 10);
    unsigned long numbers[3] = {0}; /* major, minor, inode */
    for (int i = 0; i < 3; i++) {
        if (*end != (i ? ':' : ' ')) return 0;
        numbers[i] = strtoul(end + 1, &end, i < 2 ? 16 : 10);
    }
    bool same = numbers[0] == major(file->st_dev) && numbers[1] == minor(file->st_dev) && numbers[2] == file->st_ino;
    return same && pid > 0 ? pid : 0;
}

/* Of those that have it open, the one that has it locked. */
static bool find_lock(const char *real, char *out, size_t out_bytes)
{
    char line[256];
    struct stat st;
    bool found = false;
    FILE *file = stat(real, &st) ? NULL : fopen("/proc/locks", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        char digits[24];
        long pid = holder_in(line, &st);
        found = pid && pid != getpid();
        snprintf(digits, sizeof digits, "%ld", pid);
        if (found) name_process(digits, out, out_bytes);
    }
    if (file) fclose(file);
    return found;
}

void serial_holder(const char *path, char *out, size_t out_bytes)
{
    char real[PATH_MAX];
    char own[16];
    struct dirent *entry;
    out[0] = '\0';
    if (!realpath(path, real) || find_lock(real, out, out_bytes)) return;
    snprintf(own, sizeof own, "%d", (int)getpid());
    DIR *dir = opendir("/proc");
    while (dir && !out[0] && (entry = readdir(dir))) {
        char folder[NAME_MAX + 16];
        if (!isdigit((unsigned char)entry->d_name[0]) || strcmp(entry->d_name, own) == 0) continue;
        snprintf(folder, sizeof folder, "/proc/%s/fd", entry->d_name);
        if (has_open(folder, real)) name_process(entry->d_name, out, out_bytes);
    }
    if (dir) closedir(dir);
}
