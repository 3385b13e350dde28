/* Rewrites a working set of pages, one after another, at a rate: what a busy server looks like to a migration. */
#include "workload.h"
#include "../runtime/parameters.h"
#include "secrets.h"

#define BACKLOG_MAX (TICKS_PER_SECOND / 5) /* what a starved guest makes up for at most */

u32 workload_pages, workload_rate, workload_visits, filled_pages;
static u32 base, next_page, round;
static u64 last;
static u64 credit; /* page visits owed, times TICKS_PER_SECOND */

static u32 pages_above(void) { return (0x80000000u + parameters.ram_octets - base) / PAGE; }

static void fill(u32 *page, struct random *stream) {
  flush_translations();
  u32 value = random_next(stream) | 1;
  for (u32 *end = page + PAGE / 4; page < end; page += 4) {
    page[0] = value *= 1664525u;
    page[1] = value *= 1664525u;
    page[2] = value *= 1664525u;
    page[3] = value *= 1664525u;
  }
}

u32 workload_set(u32 pages, u32 rate, u64 time) {
  if (pages > pages_above()) pages = pages_above();
  if (rate > 1000000) rate = 1000000;
  workload_pages = pages;
  workload_rate = pages ? rate : 0;
  next_page = 0, credit = 0, last = time;
  return pages;
}

u32 fill_between(u32 heap) {
  struct random stream;
  random_start(&stream, heap);
  u32 pages = parameters.fill_octets / PAGE / (2 * OBJECTS), room = (parameters.ram_octets / PAGE) / (2 * OBJECTS);
  if (pages > room) pages = room;
  for (u32 i = 0; i < pages; i++) fill((u32 *)(heap + i * PAGE), &stream);
  filled_pages += pages;
  return heap + pages * PAGE;
}

void fill_pages(u32 from, u32 to) {
  struct random stream;
  random_start(&stream, from);
  for (; from + PAGE <= to; from += PAGE, filled_pages++) fill((u32 *)from, &stream);
}

void workload_start(u32 heap, u64 time) {
  struct random stream;
  random_start(&stream, 200);
  base = heap;
  workload_set(parameters.working_set_pages, parameters.pages_per_second, time);
  u32 pages = workload_pages + parameters.fill_octets / PAGE - filled_pages;
  if (pages > pages_above()) pages = pages_above();
  for (u32 i = 0; i < pages; i++) fill((u32 *)(base + i * PAGE), &stream);
  filled_pages += pages - workload_pages;
}

static void visit(volatile u32 *page) {
  u32 words = parameters.octets_per_page / 4, stride;
  if (words < 1) words = 1;
  if (words > PAGE / 4) words = PAGE / 4;
  stride = PAGE / 4 / words;
  flush_translations();
  for (u32 i = 0, at = round % stride; i < words; i++, at += stride) page[at] = (workload_visits + i) * 2654435761u + 1;
  workload_visits++;
}

void workload_run(u64 time) {
  u64 elapsed = time - last;
  last = time;
  if (!workload_rate) return;
  credit += (elapsed > BACKLOG_MAX ? BACKLOG_MAX : elapsed) * workload_rate;
  if (credit > (u64)BACKLOG_MAX * workload_rate + TICKS_PER_SECOND) credit = (u64)BACKLOG_MAX * workload_rate;
  for (u32 burst = 0; credit >= TICKS_PER_SECOND && burst < 2000; burst++) {
    credit -= TICKS_PER_SECOND;
    visit((volatile u32 *)(base + next_page * PAGE));
    if (++next_page == workload_pages) next_page = 0, round++;
  }
}
