# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
# cmake [-DNODE=PROGRAM -DNPM=PROGRAM] -P web/modules.cmake: web/node_modules as package-lock.json says. Asks the registry for nothing when it is so already.
if(NODE) # npm and what it runs find their node by PATH
  get_filename_component(node_folder ${NODE} DIRECTORY)
  set(ENV{PATH} "${node_folder}:$ENV{PATH}")
endif()
if(NOT NPM)
  set(NPM npm)
endif()
file(LOCK ${CMAKE_CURRENT_LIST_DIR}/.lock GUARD PROCESS TIMEOUT 600)
file(SHA256 ${CMAKE_CURRENT_LIST_DIR}/package-lock.json wanted)
set(mark ${CMAKE_CURRENT_LIST_DIR}/node_modules/.installed-lock)
set(have "")
if(EXISTS ${mark})
  file(READ ${mark} have)
endif()
if(NOT have STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --include=dev --ignore-scripts --loglevel=error --no-progress
                  WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "npm ci could not fetch what the web page is built with (web/package-lock.json): is the registry"
                        " reachable? -DLATHE_WEB=OFF builds everything but the page")
  endif()
  file(WRITE ${mark} ${wanted})
endif()
