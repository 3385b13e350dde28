#include "random.h"
#include "parameters.h"

void random_start(struct random *stream, u32 number) { stream->state = parameters.seed ^ number * 0x9e3779b9u; }

u32 random_next(struct random *stream) {
  u32 z = stream->state += 0x9e3779b9u;
  z = (z ^ z >> 16) * 0x21f0aaadu;
  z = (z ^ z >> 15) * 0x735a2d97u;
  return z ^ z >> 15;
}
