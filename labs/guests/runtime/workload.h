#ifndef WORKLOAD_H
#define WORKLOAD_H
#include "board.h"

struct workload {
  u32 pages; /* of the working set */
  u32 rate;  /* pages rewritten a second, at most a million */
  u32 octets_per_page;
  u32 hot_pages, hot_percent; /* the first pages get that share of the visits; 0: all pages get the same */
  u32 content;                /* CONTENT_* (parameters.h) */
};

extern struct workload workload;
extern u32 workload_visits, workload_hot_visits, filled_pages;

/* What the parameter block says of the working set, its rate and its content; hot pages are the caller's to add. */
struct workload workload_of_parameters(void);
/* Of the fill, half lies between the objects that hold secrets, so that these are spread over memory as in life. Fills
 * one of `shares` shares at `heap` and returns the first page after it. */
u32 fill_between(u32 heap, u32 shares);
/* Fill the pages from one address to another, as the parameters say. */
void fill_pages(u32 from, u32 to);

/* The working set begins at `heap`, filled with its content; what follows it is filled as the parameters say. */
void workload_start(u32 heap, const struct workload *settings, u64 time);
/* Other settings; those out of bounds are cut down to what fits. What pages hold is not touched before they are visited. */
void workload_set(const struct workload *settings, u64 time);
/* Make up for the time since the last call, for some milliseconds at most. */
void workload_run(u64 time);
/* When the next visit is due: `time` when visits were left over, else at the earliest a millisecond later; `otherwise` if
 * nothing is to be done before. */
u64 workload_due(u64 time, u64 otherwise);

#endif
