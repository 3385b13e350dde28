#ifndef WORKLOAD_H
#define WORKLOAD_H
#include "../runtime/board.h"

extern u32 workload_pages, workload_rate;
extern u32 workload_visits, filled_pages;

/* Of the fill, half lies between the objects that hold secrets, so that these are spread over memory as in life. Fills
 * one of these shares at `heap` and returns the first page after it. */
u32 fill_between(u32 heap);

/* Fill the pages from one address to another. */
void fill_pages(u32 from, u32 to);

/* The working set begins at `heap`; what follows it is filled as the parameters say. */
void workload_start(u32 heap, u64 time);
/* A new working set and rate; returns the pages it got: what fits. */
u32 workload_set(u32 pages, u32 rate, u64 time);
/* Make up for the time since the last call. */
void workload_run(u64 time);

#endif
