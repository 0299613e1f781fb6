/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Loops over numbers that are worth compiling for several instruction sets: the right one is chosen when the program
 * starts. The results are the same with each, as the compiler contracts no multiplication and addition. */
#ifndef LATHE_BASE_VECTOR_H
#define LATHE_BASE_VECTOR_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

#endif
