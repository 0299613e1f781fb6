# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
# cmake -DOUT=FOLDER [-DNODE=PROGRAM -DNPM=PROGRAM] -P web/build.cmake: build the page into FOLDER. Builds of several trees wait for each other.
include(${CMAKE_CURRENT_LIST_DIR}/modules.cmake)
set(ENV{LATHE_WEB_OUT} ${OUT})
execute_process(COMMAND ${NPM} run --silent build -- --logLevel warn WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the web page could not be built")
endif()
