/* Rewrites a working set of pages, one after another, at a rate: what a busy server looks like to a migration. Two turns
 * go on at once, one through the hot pages and one through the others. */
#include "workload.h"
#include "content.h"
#include "parameters.h"

#define BACKLOG_MAX (TICKS_PER_SECOND / 5) /* what a starved guest makes up for at most */
#define BURST_TICKS (5 * TICKS_PER_MS) /* at a time, so that a key is echoed meanwhile */
#define RATE_MAX 1000000u
#define HOT 0
#define COLD 1

struct workload workload;
u32 workload_visits, workload_hot_visits, filled_pages;
static u32 base;
static u64 last;
static u64 credit;     /* page visits owed, times TICKS_PER_SECOND */
static u32 hot_credit; /* visits owed to the hot pages, times 100 */
static struct turn {
  u32 first, pages, next, round;
} turns[2];
static struct random rewriting;

static u32 pages_above(void) { return (0x80000000u + parameters.ram_octets - base) / PAGE; }
static u32 at_most(u32 value, u32 most) { return value < most ? value : most; }

struct workload workload_of_parameters(void) {
  return (struct workload){.pages = parameters.working_set_pages,
                           .rate = parameters.pages_per_second,
                           .octets_per_page = parameters.octets_per_page,
                           .content = parameters.content};
}

void workload_set(const struct workload *settings, u64 time) {
  workload = *settings;
  workload.pages = at_most(workload.pages, pages_above());
  workload.rate = workload.pages ? at_most(workload.rate, RATE_MAX) : 0;
  workload.octets_per_page = at_most(workload.octets_per_page < 4 ? 4 : workload.octets_per_page & ~3u, PAGE);
  workload.hot_pages = at_most(workload.hot_pages, workload.pages);
  workload.hot_percent = at_most(workload.hot_percent, 100);
  if (workload.content > CONTENT_TEXT) workload.content = CONTENT_RANDOM;
  u32 hot = workload.hot_percent ? workload.hot_pages : 0;
  turns[HOT] = (struct turn){.first = 0, .pages = hot, .round = turns[HOT].round};
  turns[COLD] = (struct turn){.first = hot, .pages = workload.pages - hot, .round = turns[COLD].round};
  credit = 0, hot_credit = 0, last = time;
}

u32 fill_between(u32 heap, u32 shares) {
  struct random stream;
  random_start(&stream, heap);
  u32 pages = parameters.fill_octets / PAGE / (2 * shares), room = (parameters.ram_octets / PAGE) / (2 * shares);
  if (pages > room) pages = room;
  for (u32 i = 0; i < pages; i++) content_fill((u32 *)(heap + i * PAGE), parameters.content, &stream);
  filled_pages += pages;
  return heap + pages * PAGE;
}

void fill_pages(u32 from, u32 to) {
  struct random stream;
  random_start(&stream, from);
  for (; from + PAGE <= to; from += PAGE, filled_pages++) content_fill((u32 *)from, parameters.content, &stream);
}

void workload_start(u32 heap, const struct workload *settings, u64 time) {
  struct random stream;
  random_start(&stream, 200);
  random_start(&rewriting, 201);
  base = heap;
  workload_set(settings, time);
  u32 pages = at_most(workload.pages + parameters.fill_octets / PAGE - filled_pages, pages_above());
  for (u32 i = 0; i < pages; i++) content_fill((u32 *)(base + i * PAGE), workload.content, &stream);
  filled_pages += pages - workload.pages;
}

/* Whose turn it is: the hot pages get hot_percent of the visits, evenly among the others. */
static struct turn *whose_turn(void) {
  if (!turns[HOT].pages) return &turns[COLD];
  if (!turns[COLD].pages) return &turns[HOT];
  hot_credit += workload.hot_percent;
  if (hot_credit < 100) return &turns[COLD];
  hot_credit -= 100;
  return &turns[HOT];
}

static void visit(void) {
  struct turn *turn = whose_turn();
  u32 *page = (u32 *)(base + (turn->first + turn->next) * PAGE);
  content_rewrite(page, workload.content, workload.octets_per_page, workload_visits, turn->round, &rewriting);
  workload_visits++;
  if (turn == &turns[HOT]) workload_hot_visits++;
  if (++turn->next == turn->pages) turn->next = 0, turn->round++;
}

void workload_run(u64 time) {
  u64 elapsed = time - last;
  last = time;
  if (!workload.rate) return;
  credit += (elapsed > BACKLOG_MAX ? BACKLOG_MAX : elapsed) * workload.rate;
  if (credit > (u64)BACKLOG_MAX * workload.rate + TICKS_PER_SECOND) credit = (u64)BACKLOG_MAX * workload.rate;
  u64 end = now() + BURST_TICKS;
  for (u32 visits = 1; credit >= TICKS_PER_SECOND; visits++) {
    credit -= TICKS_PER_SECOND;
    visit();
    if (visits % 16 == 0 && now() >= end) break;
  }
}

u64 workload_due(u64 time, u64 otherwise) {
  if (!workload.rate) return otherwise;
  if (credit >= TICKS_PER_SECOND) return time;
  u32 owed = TICKS_PER_SECOND - (u32)credit;
  u32 wait = (owed + workload.rate - 1) / workload.rate;
  u64 due = time + (wait < TICKS_PER_MS ? TICKS_PER_MS : wait);
  return due < otherwise ? due : otherwise;
}
