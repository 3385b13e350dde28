/* Rewrites eight megabytes, one word of every 64 octets and then all of them: what a migration has to keep up with. */
#include "program.h"

#define WORDS (8u << 20 >> 2)
static u32 memory[WORDS];

u32 program(void) {
  u32 sum = 0;
  for (u32 round = 1; round <= 6; round++) {
    for (u32 i = 0; i < WORDS; i += 16) memory[i] = i ^ round;
    for (u32 i = 0; i < WORDS; i += 4) memory[i] += round, memory[i + 1] = i, memory[i + 2] = round, memory[i + 3] = i + round;
    sum = sum * 31 + memory[round * 4096];
  }
  return sum;
}
