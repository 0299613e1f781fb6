/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/chips/stm32/stm32.h"

#define RCC_CSR REGISTER(0x40023874)
#define IWDG_KR REGISTER(0x40003000)
#define IWDG_PR REGISTER(0x40003004)
#define IWDG_RLR REGISTER(0x40003008)
#define IWDG_SR REGISTER(0x4000300c)

enum {
    READINGS = 200000, /* at 16 MHz some 50 ms: crystals need 2, PLLs less */
    HSI_HZ = 16000000,
    HSI_ON = 1 << 0,
    HSE_ON = 1 << 16,
    HSE_READY = 1 << 17,
    PLL_ON = 1 << 24,
    PLL_READY = 1 << 25,
    PLL_FROM_HSE = 1 << 22
};

bool stm32_is_emulated(void)
{
    return (RCC_CR & HSI_ON) == 0;
}

bool stm32_reached(const volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (int i = 0; i < READINGS; i++)
        if ((*reg & mask) == value) return true;
    return false;
}

static bool over_drive(void)
{
    PWR_CR1 |= 1u << 16; /* ODEN */
    if (!stm32_reached(&PWR_CSR1, 1u << 16, 1u << 16)) return false;
    PWR_CR1 |= 1u << 17; /* ODSWEN */
    return stm32_reached(&PWR_CSR1, 1u << 17, 1u << 17);
}

uint32_t stm32_clocks_start(const struct stm32_pll *pll)
{
    const uint32_t core_hz = pll->n / 2 * 1000000;
    if (stm32_is_emulated()) return core_hz;
    RCC_APB1ENR |= 1u << 28; /* PWR */
    PWR_CR1 |= 3u << 14;     /* VOS: scale 1 */
    RCC_CR |= HSE_ON;
    bool crystal = stm32_reached(&RCC_CR, HSE_READY, HSE_READY);
    uint32_t m = crystal ? pll->crystal_mhz : HSI_HZ / 1000000;
    RCC_PLLCFGR = m | pll->n << 6 | pll->q << 24 | (crystal ? PLL_FROM_HSE : 0) | 2u << 28;
    RCC_CR |= PLL_ON;
    if (!stm32_reached(&RCC_CR, PLL_READY, PLL_READY)) return HSI_HZ;
    if (pll->over_drive && !over_drive()) return HSI_HZ;
    FLASH_ACR = pll->flash;
    if (!stm32_reached(&FLASH_ACR, 15, pll->flash & 15)) return HSI_HZ;
    RCC_CFGR = 5u << 10 | 4u << 13; /* APB1 / 4, APB2 / 2, before the core is fast */
    RCC_CFGR |= 2;
    if (stm32_reached(&RCC_CFGR, 3u << 2, 2u << 2)) return core_hz;
    RCC_CFGR = 0;
    return HSI_HZ;
}

void stm32_pin(char port, unsigned pin, unsigned function)
{
    uint32_t base = 0x40020000u + 0x400u * (uint32_t)(port - 'A');
    volatile uint32_t *alternate = &REGISTER(base + 0x20 + pin / 8 * 4);
    RCC_AHB1ENR |= 1u << (port - 'A');
    *alternate = (*alternate & ~(15u << pin % 8 * 4)) | function << pin % 8 * 4;
    REGISTER(base + 0x08) |= 2u << pin * 2;                                             /* OSPEEDR */
    REGISTER(base + 0x0c) = (REGISTER(base + 0x0c) & ~(3u << pin * 2)) | 1u << pin * 2; /* PUPDR: up */
    REGISTER(base) = (REGISTER(base) & ~(3u << pin * 2)) | 2u << pin * 2;               /* MODER: alternate */
}

/* 32 kHz / 256 and 4095 steps: 33 s, 22 s where the oscillator is at its fastest. */
void stm32_watchdog_start(void)
{
    IWDG_KR = 0xcccc;
    IWDG_KR = 0x5555;
    IWDG_PR = 6;
    IWDG_RLR = 4095;
    stm32_reached(&IWDG_SR, 3, 0);
    stm32_watchdog_feed();
}

void stm32_watchdog_feed(void)
{
    IWDG_KR = 0xaaaa;
}

bool stm32_watchdog_bit(void)
{
    bool bit = (RCC_CSR & 1u << 29) != 0;
    RCC_CSR |= 1u << 24; /* RMVF: forget */
    return bit;
}
