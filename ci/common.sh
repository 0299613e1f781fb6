# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
# What the scripts in ci/ share. Sourced, in the checkout's top folder.

# usage_error MESSAGE...: say what is wrong with the arguments, and end.
usage_error() {
  echo "ci/${0##*/}: $*" >&2
  exit 2
}

# phase NAME: end the phase under way and say how long it took, then begin the next; '' begins none. $phases has a line
# "NAME MILLISECONDS" for each that has ended.
phases='' phase_name='' phase_start=0
phase() {
  local now=$((${EPOCHREALTIME//[!0-9]/} / 1000)) took
  if [ -n "$phase_name" ]; then
    took=$((now - phase_start))
    phases+="$phase_name $took"$'\n'
    printf '== %s: %d.%d s\n' "$phase_name" $((took / 1000)) $((took % 1000 / 100))
  fi
  phase_name=$1 phase_start=$now
  if [ -n "$1" ]; then echo "== $1"; fi
}

# Of ninja's lines "[n/m] ...", four; every other line, which is what compilers say.
thin_out() {
  local line last=0 quarter
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      quarter=$((4 * BASH_REMATCH[1] / BASH_REMATCH[2]))
      if [ "$quarter" -eq "$last" ]; then continue; fi
      last=$quarter
    fi
    printf '%s\n' "$line"
  done
}

# build_into FOLDER OPTION...: configure with CMake and build on all cores.
build_into() {
  local folder=$1 said
  shift
  said=$(cmake -S . -B "$folder" -G Ninja "$@" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
  if [ -t 1 ]; then
    cmake --build "$folder" --parallel "$(nproc)"
  else
    cmake --build "$folder" --parallel "$(nproc)" | thin_out
  fi
}

# sources NAME...: the project's files by name pattern, each ended by NUL.
sources() {
  local pattern=(-name "$1")
  shift
  while [ $# -gt 0 ]; do
    pattern+=(-o -name "$1")
    shift
  done
  find . \( -name build -o -name .git -o -name node_modules \) -prune -o -type f \( "${pattern[@]}" \) -print0
}
