/* The sieve of Eratosthenes over a million numbers, an octet each, four times. Returns how many primes there are. */
#include "program.h"

#define LIMIT 1000000u
static u8 composite[LIMIT + 1];

u32 program(void) {
  u32 primes = 0;
  for (u32 round = 0; round < 4; round++) {
    memset(composite, 0, sizeof composite);
    primes = 0;
    for (u32 n = 2; n <= LIMIT; n++) {
      if (composite[n]) continue;
      primes++;
      for (u64 multiple = (u64)n * n; multiple <= LIMIT; multiple += n) composite[multiple] = 1;
    }
  }
  return primes;
}
