/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/port.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 255 };
static const char usb[] = "usb:";

/* Four hexadecimal digits. */
static bool read_number(const char *text, int *out)
{
    for (int i = 0; i < 4; i++)
        if (!isxdigit((unsigned char)text[i])) return false;
    char digits[5] = {text[0], text[1], text[2], text[3], '\0'};
    *out = (int)strtol(digits, NULL, 16);
    return true;
}

bool port_usb(const char *name, int *vid, int *pid, const char **serial)
{
    size_t head = strlen(usb);
    if (strncmp(name, usb, head) != 0) return false;
    const char *at = name + head;
    if (!read_number(at, vid) || at[4] != ':' || !read_number(at + 5, pid)) return false;
    at += 9;
    if (*at && (*at != ':' || !at[1])) return false;
    *serial = *at ? at + 1 : at;
    return true;
}

bool port_is_name(const char *text)
{
    int vid;
    int pid;
    const char *serial;
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x21 || text[i] == 0x7f) return false;
    return n <= NAME_MOST && ((text[0] == '/' && n > 1) || port_usb(text, &vid, &pid, &serial));
}
