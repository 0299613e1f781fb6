/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* For LD_PRELOAD: makes pseudo-terminals pass for serial ports in tests. They have no control lines, and libserialport
 * opens nothing without: here they are all set, and can be set to anything. */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>

static int is_control_line(unsigned long request)
{
    return request == TIOCMGET || request == TIOCMSET || request == TIOCMBIS || request == TIOCMBIC;
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    int result = real(fd, request, argument);
    if (result == 0 || errno != ENOTTY || !is_control_line(request)) return result;
    if (request == TIOCMGET) *(int *)argument = TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_DSR | TIOCM_CAR;
    return 0;
}
