# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
# What the kernels are built from, for whoever includes this: a board's image, the bench, tests on the host.
set(KERNELS_DIR ${CMAKE_CURRENT_LIST_DIR})
get_filename_component(KERNELS_TOP ${KERNELS_DIR}/../.. ABSOLUTE)

# kernels_sources(OUT FLAVOUR): `simd` for cores with Arm's DSP extension, `plain` for all others.
function(kernels_sources out flavour)
  set(list bytes.c window.c depthwise.c prepare.c execute.c mbconv.c bottleneck.c
           ${flavour}/bytes.c ${flavour}/dense.c ${flavour}/depthwise.c)
  list(TRANSFORM list PREPEND ${KERNELS_DIR}/)
  set(${out} ${list} PARENT_SCOPE)
endfunction()

# What they need of the rest of Lathe, where that is not linked as libraries. All of it freestanding, but for libm.
set(KERNELS_SHARED
    ${KERNELS_TOP}/agents/runner/core/quant.c ${KERNELS_TOP}/agents/runner/core/quant_table.c
    ${KERNELS_TOP}/agents/runner/core/recipe.c ${KERNELS_TOP}/agents/wire/frame.c ${KERNELS_TOP}/agents/wire/message.c
    ${KERNELS_TOP}/agents/wire/layer.c ${KERNELS_TOP}/lut/layer/layer.c ${KERNELS_TOP}/lut/layer/cost.c
    ${KERNELS_TOP}/lut/layer/board_memory.c)

# Counts and times are of these, whatever an image is otherwise built with; and no loop becomes a call of a C library.
set(KERNELS_FLAGS -O2 -ffreestanding -fno-tree-loop-distribute-patterns)

# kernels_blob(OUT): a command that makes the array of weights in the build folder.
function(kernels_blob out)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/kernel_blob.c)
  add_custom_command(OUTPUT ${file} COMMAND Python3::Interpreter ${KERNELS_DIR}/make_blob.py ${file}
                     DEPENDS ${KERNELS_DIR}/make_blob.py VERBATIM)
  set(${out} ${file} PARENT_SCOPE)
endfunction()
