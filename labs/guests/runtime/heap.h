#ifndef HEAP_H
#define HEAP_H
#include "board.h"

struct heap_counters {
  u32 size, used; /* octets, with the blocks' headers */
  u32 blocks;     /* in use */
  u32 refused;    /* requests there was no room for */
};
extern struct heap_counters heap_counters;

/* Give out the memory between two addresses. */
void heap_start(u32 from, u32 to);
/* At least `length` octets at a multiple of 8, with whatever stood there before; 0 if there is no room. */
void *heap_alloc(u32 length);
/* Give back what heap_alloc gave, or do nothing with 0. It is not wiped. Stops the machine if it is no such block. */
void heap_free(void *octets);

#endif
