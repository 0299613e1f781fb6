/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What STM32F4 and STM32F7 share: the clock tree's registers, the independent watchdog, the chip's number. */
#ifndef LATHE_FIRMWARE_STM32_H
#define LATHE_FIRMWARE_STM32_H

#include "firmware/arch/cortex_m/cortex_m.h"

#define RCC_CR REGISTER(0x40023800)
#define RCC_PLLCFGR REGISTER(0x40023804)
#define RCC_CFGR REGISTER(0x40023808)
#define RCC_AHB1ENR REGISTER(0x40023830)
#define RCC_APB1ENR REGISTER(0x40023840)
#define RCC_APB2ENR REGISTER(0x40023844)
#define FLASH_ACR REGISTER(0x40023c00)
#define PWR_CR1 REGISTER(0x40007000)
#define PWR_CSR1 REGISTER(0x40007004)
#define USART1 0x40011000u

/** Whether this is an emulator, which has no clock tree: the internal oscillator is on after every reset of a chip. */
bool stm32_is_emulated(void);
/** Wait until (*reg & mask) == value, for a bounded number of readings. @return whether it came. */
bool stm32_reached(const volatile uint32_t *reg, uint32_t mask, uint32_t value);

/* From a crystal, or from the internal 16 MHz where it does not swing, to a PLL for the core. */
struct stm32_pll {
    uint32_t crystal_mhz; /* M is made to give 1 MHz */
    uint32_t n, q;        /* core: n / 2 MHz; USB's and the noise generator's: n / q */
    uint32_t flash;       /* FLASH_ACR: wait states, caches */
    bool over_drive;      /* F7 above 180 MHz */
};
/** APB1 gets a quarter, APB2 half. @return the core's clock in Hz, 16 MHz when nothing came of it. */
uint32_t stm32_clocks_start(const struct stm32_pll *);

/** Pin as alternate function, fast, pulled up. @param port 'A'.. */
void stm32_pin(char port, unsigned pin, unsigned function);

void stm32_watchdog_start(void);
void stm32_watchdog_feed(void);
bool stm32_watchdog_bit(void);

#endif
