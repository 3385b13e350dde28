/* splitmix32, one stream for each thing that is made from the seed. */
#ifndef RANDOM_H
#define RANDOM_H
#include "board.h"

struct random {
  u32 state;
};
/* Streams in use: 1 to 99 secrets (core/machine/guest-secrets.ts), 100 places, 200 and multiples of a page the fill. */
void random_start(struct random *stream, u32 number);
u32 random_next(struct random *stream);

#endif
