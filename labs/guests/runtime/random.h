#ifndef RANDOM_H
#define RANDOM_H
#include "board.h"

/* A stream of pseudo-random words (splitmix32) from the seed in the parameters, another one for each number: 1 to 99 and
 * from 500 secrets, 100 places, 200 and multiples of a page the fill and the workload. */
struct random {
  u32 state;
};
void random_start(struct random *stream, u32 number);
u32 random_next(struct random *stream);
/* Append one of 32 words, as text. */
char *put_word(char *to, struct random *stream);

#endif
