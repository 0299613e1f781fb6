/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/serial_ports.h"

#include <dirent.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"

enum { PORTS_MOST = 256 };
static const char by_id[] = "/dev/serial/by-id";

static json_t *text_or_null(const char *text)
{
    json_t *value = text && text[0] ? json_string(text) : NULL;
    return value ? value : json_null(); /* also for what is not UTF-8 */
}

static json_t *hexadecimal(int number)
{
    return json_sprintf("%04x", (unsigned)number & 0xffff);
}

/* A name of a port that does not change. @param out PATH_MAX bytes; the port's own name where it has no other. */
static void find_lasting_name(const char *port, char *out)
{
    char real[PATH_MAX];
    struct dirent *entry;
    snprintf(out, PATH_MAX, "%s", port);
    DIR *dir = opendir(by_id);
    if (!dir) return;
    while ((entry = readdir(dir))) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", by_id, entry->d_name);
        if (!realpath(path, real) || strcmp(real, port) != 0) continue;
        snprintf(out, PATH_MAX, "%s", path);
        break;
    }
    closedir(dir);
}

static json_t *describe(const struct sp_port *port)
{
    char name[PATH_MAX];
    int vid = 0;
    int pid = 0;
    bool usb = sp_get_port_transport(port) == SP_TRANSPORT_USB && sp_get_port_usb_vid_pid(port, &vid, &pid) == SP_OK;
    const char *product = usb ? sp_get_port_usb_product(port) : NULL;
    find_lasting_name(sp_get_port_name(port), name);
    return json_pack("{s:o,s:o,s:o,s:o,s:o}", "port", text_or_null(name), "description",
                     text_or_null(product ? product : sp_get_port_description(port)), "vid",
                     usb ? hexadecimal(vid) : json_null(), "pid", usb ? hexadecimal(pid) : json_null(), "serial",
                     text_or_null(usb ? sp_get_port_usb_serial(port) : NULL));
}

static int by_name(const void *a, const void *b)
{
    const struct sp_port *const *x = a;
    const struct sp_port *const *y = b;
    return strcmp(sp_get_port_name(*x), sp_get_port_name(*y));
}

json_t *serial_ports_list(void)
{
    struct sp_port **ports = NULL;
    json_t *list = json_array();
    size_t n = 0;
    if (!list || sp_list_ports(&ports) != SP_OK) return list;
    while (ports[n]) n++;
    qsort(ports, n, sizeof *ports, by_name);
    for (size_t i = 0; i < n && i < PORTS_MOST; i++) json_array_append_new(list, describe(ports[i]));
    sp_free_port_list(ports);
    return list;
}

static void add_names(const char *folder, struct buf *key)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        buf_printf(key, "%s/", names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

char *serial_ports_key(void)
{
    struct buf key;
    size_t size;
    buf_init(&key);
    buf_puts(&key, "ports ");
    add_names("/sys/class/tty", &key);
    add_names(by_id, &key);
    return buf_take(&key, &size);
}
