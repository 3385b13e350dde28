/* A loop of arithmetic that stays in registers: xorshift, multiplication, division now and then. */
#include "program.h"

u32 program(void) {
  u32 state = 0x12345678, sum = 0;
  for (u32 i = 1; i <= 6000000; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    sum += state * 2654435761u;
    if ((i & 63) == 0) sum ^= state / i;
  }
  return sum;
}
