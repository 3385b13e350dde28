#!/bin/sh
# Build the programs into the folder named (here by default). Debian: gcc-riscv64-unknown-elf.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
cd "$here"
for program in integer sieve sha256 lists writer; do
  riscv64-unknown-elf-gcc -march=rv32im_zicsr_zifencei -mabi=ilp32 -mcmodel=medany -mno-relax -O2 -std=gnu11 -ffreestanding \
    -fno-builtin -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror -nostdlib -nostartfiles -T link.ld \
    -Wl,--build-id=none,--no-relax,--no-warn-rwx-segments,-s -o "$out/$program.elf" start.c $program.c
done
