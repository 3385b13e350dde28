#!/bin/sh
# Build the guest images into the folder named (here by default). Debian: gcc-riscv64-unknown-elf.
# The octets depend on the sources and the compiler's version alone: named objects, no build identifier, no paths.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here}" && pwd)
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
cc=riscv64-unknown-elf-gcc
flags="-march=rv32im_zicsr_zifencei -mabi=ilp32 -mcmodel=medany -mno-relax -O2 -std=gnu11
  -ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns -fno-common -Wall -Wextra -Werror"

# image NAME FLAGS SOURCE...; the linker's script is $script
script=runtime/link.ld
image() {
  name=$1 defines=$2
  shift 2
  list=
  for source in "$@"; do
    object=$(echo "$source" | tr / -).o
    (cd "$here" && $cc $flags $defines -c -o "$objects/$object" "$source")
    list="$list $object"
  done
  (cd "$objects" && $cc -march=rv32im -mabi=ilp32 -nostdlib -nostartfiles -T "$here/$script" -Wl,--build-id=none,--no-relax,--no-warn-rwx-segments,-s \
    -o "$name" $list -lgcc)
  cp "$objects/$name" "$out/$name"
}

runtime="runtime/start.S runtime/parameters.c runtime/text.c runtime/words.c runtime/console.c runtime/terminal.c runtime/interrupts.c
  runtime/net.c runtime/ip.c"
work="runtime/random.c runtime/content.c runtime/workload.c"
shell="runtime/cards.c runtime/base64.c runtime/sha256.c runtime/clock.c
  shell/shell.c shell/commands.c shell/users.c shell/people.c shell/secrets.c"
image shell.elf '' $runtime $work $shell
image shell-b.elf -DVARIANT_B $runtime $work $shell
image stress.elf '' $runtime $work stress/stress.c
server="runtime/cards.c runtime/heap.c runtime/tcp.c runtime/tcp-send.c runtime/tcp-receive.c runtime/server.c"
image web.elf '' $runtime $work $server web/web.c web/http.c web/sessions.c
image kv.elf '' $runtime $work $server kv/kv.c kv/resp.c kv/store.c kv/commands.c kv/load.c
script=tenant/link.ld
image tenant.elf '' $runtime tenant/kernel.c tenant/switch.S tenant/tenant-a.c tenant/tenant-b.c
