/* What the store holds from the start, and the load it puts itself under. */
#ifndef LOAD_H
#define LOAD_H
#include "../runtime/board.h"

#define CUSTOMERS 24u /* with a card each: core/machine/store-secrets.ts */

struct load_counters {
  u32 reads, writes, refused;
};
extern struct load_counters load_counters;

void load_start(u64 time);
/* Make up for the time since the last call; returns when there is more to do. */
u64 load_run(u64 time);

#endif
