/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The program: whatever comes in at the UART is a frame of the wire protocol, a command of MLPerf Tiny's, or nothing.
 */
#include "agents/wire/frame.h"
#include "firmware/app/session.h"
#include "firmware/app/tiny.h"
#include "firmware/boards/board.h"
#include "firmware/boards/clock.h"
#include "firmware/boards/crash.h"

int main(void);

static void start(void)
{
    board.start();
    crash_start(board.watchdog_bit && board.watchdog_bit());
    clock_start();
    arch_start();
    session_start();
    if (board.watchdog_start) board.watchdog_start();
    arch_interrupts_on();
}

int main(void)
{
    static struct wire_decoder decoder;
    start();
    wire_decoder_init(&decoder);
    for (;;) {
        if (board.watchdog_feed) board.watchdog_feed();
        int byte = board.receive();
        if (byte < 0) {
            board.wait();
            continue;
        }
        size_t size = wire_decode(&decoder, (uint8_t)byte);
        if (size) session_receive(decoder.buffer, size);
        tiny_receive((uint8_t)byte);
    }
}
