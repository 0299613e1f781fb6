/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What runs on the device: POSIX shell with head, tar, mkdir, mv, rm, du and uname, as BusyBox and toybox have them,
 * too. It is one line without single quotes, backslashes and exclamation marks, so that every login shell hands it on
 * as it is. Paths come from the device's own environment, and go into double quotes. */
#include "agents/transport/ssh.h"

#define LINE(text) text " "

/* A line of the script is a line here. */
/* clang-format off */
const char ssh_command[] =
    "exec sh -c '"
    /* Remove first, speak then: the other side may be gone. */
    LINE("umask 077; t=; say() { echo \"lathe: $*\"; };")
    LINE("fail() { if [ -n \"$t\" ]; then rm -rf \"$t\"; fi; say failed \"$@\"; exit 3; };")
    LINE("hear() { IFS= read -r REPLY || exit 4; };")
    /* Without sha256sum a runner is taken as it was left. */
    LINE("intact() { if command -v sha256sum >/dev/null 2>&1; then")
    LINE("(cd \"$1\" && sha256sum -c SHA256SUMS) >/dev/null 2>&1; else [ -f \"$1/SHA256SUMS\" ]; fi; };")
    LINE("same() { if command -v sha256sum >/dev/null 2>&1; then g=$(sha256sum <\"$1\"); [ \"${g%% *}\" = \"$2\" ];")
    LINE("else g=$(cksum <\"$1\"); [ \"$g\" = \"$3\" ]; fi; };")
    LINE("c=${LATHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lathe}/runner;")
    LINE("say arch $(uname -m); hear; verb=$REPLY;")
    LINE("case $verb in deploy)")
    LINE("hear; hash=$REPLY; hear; sum=$REPLY; d=$c/$hash;")
    LINE("if intact \"$d\"; then say here; else")
    LINE("say missing; hear; size=$REPLY; rm -rf \"$d\"; t=$c/.new.$$;")
    LINE("e=$(mkdir -p \"$t\" 2>&1) || fail make \"$e\"; say send;")
    LINE("e=$({ head -c \"$size\" >\"$t/bundle.tar\"; } 2>&1) || fail copy \"$e\";")
    LINE("same \"$t/bundle.tar\" \"$hash\" \"$sum\" || fail check;")
    LINE("e=$(cd \"$t\" && tar xf bundle.tar 2>&1) || fail unpack \"$e\";")
    LINE("rm -f \"$t/bundle.tar\";")
    LINE("e=$(\"$t/loader\" --library-path \"$t\" \"$t/lathe-run\" list 2>&1 >/dev/null) || fail start $? \"$e\";")
    LINE("if [ -d \"$d\" ]; then rm -rf \"$t\"; else e=$(mv \"$t\" \"$d\" 2>&1) || fail rename \"$e\"; fi;")
    LINE("t=; say here; fi;")
    LINE("set -- \"$d/loader\" --library-path \"$d\" \"$d/lathe-run\" serve;;")
    LINE("run) hear; n=$REPLY; set --;")
    LINE("while [ \"$n\" -gt 0 ]; do hear; set -- \"$@\" \"$REPLY\"; n=$((n - 1)); done;")
    LINE("command -v \"$1\" >/dev/null 2>&1 || fail absent \"$1\";;")
    LINE("clean) hear; keep=$REPLY; set -- $(du -sk \"$c\" 2>/dev/null); before=${1:-0};")
    LINE("for f in \"$c\"/* \"$c\"/.new.*; do")
    LINE("case $f in */\"$keep\") ;; *) e=$(rm -rf \"$f\" 2>&1) || fail remove \"$e\";; esac; done;")
    LINE("set -- $(du -sk \"$c\" 2>/dev/null); say freed $((before - ${1:-0})); exit 0;;")
    LINE("*) fail verb;; esac;")
    LINE("hear; if [ -n \"$REPLY\" ]; then command -v taskset >/dev/null 2>&1 || fail taskset;")
    LINE("e=$(taskset \"$REPLY\" true 2>&1) || fail cpus \"$e\"; set -- taskset \"$REPLY\" \"$@\"; fi;")
    LINE("say ready; p=$PPID;")
    /* When the connection is gone, a runner that hangs or works on would disturb the next one: it has five seconds. */
    LINE("if [ -d /proc/$p ]; then (while sleep 5; do [ -d /proc/$$ ] || exit 0; [ -d /proc/$p ] || break; done;")
    LINE("kill -9 0) </dev/null >/dev/null 2>&1 & fi;")
    /* ssh does not tell which signal ended a program. */
    LINE("\"$@\"; r=$?; if [ $r -gt 128 ]; then echo \"it was ended by signal $((r - 128))\" >&2; fi; exit $r")
    "'";
/* clang-format on */
