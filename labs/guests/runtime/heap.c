/* Blocks with their size in front, and the size of the block before them, so that free neighbours become one at once.
 * Free blocks hang in lists by size, a list for each power of two. */
#include "heap.h"

struct block {
  u32 size;   /* of the whole block, a multiple of 8; the lowest bit: in use */
  u32 before; /* size of the block in front, 0 for the first */
  struct block *next, *last; /* in the list, while free: where the octets given out begin */
};
#define HEADER 8u
#define SMALLEST 16u
#define USED 1u
#define CLASSES 32u

struct heap_counters heap_counters;
static struct block *lists[CLASSES];
static u32 heap_from, heap_to;

static u32 class_of(u32 size) { return 31u - (u32)__builtin_clz(size); }
static u32 size_of(const struct block *block) { return block->size & ~USED; }
static struct block *after(struct block *block) { return (struct block *)((u32)block + size_of(block)); }

static void list_add(struct block *block) {
  struct block **list = &lists[class_of(block->size)];
  block->next = *list, block->last = 0;
  if (*list) (*list)->last = block;
  *list = block;
}

static void list_remove(struct block *block) {
  if (block->last) block->last->next = block->next;
  else lists[class_of(block->size)] = block->next;
  if (block->next) block->next->last = block->last;
}

/* The last header has nothing behind it and is always in use, so nothing grows past it. */
void heap_start(u32 from, u32 to) {
  heap_from = (from + 7) & ~7u, heap_to = (to & ~7u) - HEADER;
  memset(lists, 0, sizeof lists);
  struct block *whole = (struct block *)heap_from, *end = (struct block *)heap_to;
  whole->size = heap_to - heap_from, whole->before = 0;
  end->size = HEADER | USED, end->before = whole->size;
  list_add(whole);
  heap_counters = (struct heap_counters){whole->size, 0, 0, 0};
}

/* The first block that is long enough, from the list of its size on; the lists after that hold only longer ones. */
static struct block *find(u32 size) {
  for (u32 class = class_of(size); class < CLASSES; class++)
    for (struct block *block = lists[class]; block; block = block->next)
      if (block->size >= size) return block;
  return 0;
}

void *heap_alloc(u32 length) {
  u32 size = length < SMALLEST - HEADER ? SMALLEST : (length + HEADER + 7) & ~7u;
  struct block *block = size > length ? find(size) : 0; /* a sum that wrapped is too much in any case */
  if (!block) {
    heap_counters.refused++;
    return 0;
  }
  list_remove(block);
  u32 rest = block->size - size;
  if (rest >= SMALLEST) {
    block->size = size;
    struct block *remainder = after(block);
    remainder->size = rest, remainder->before = size;
    after(remainder)->before = rest;
    list_add(remainder);
  }
  heap_counters.used += block->size, heap_counters.blocks++;
  block->size |= USED;
  return (u8 *)block + HEADER;
}

void heap_free(void *octets) {
  if (!octets) return;
  struct block *block = (struct block *)((u8 *)octets - HEADER);
  u32 at = (u32)block;
  if (at < heap_from || at >= heap_to || at % 8 || !(block->size & USED) || size_of(block) > heap_to - at ||
      after(block)->before != size_of(block))
    panic("heap: what was freed is no block in use");
  block->size &= ~USED;
  heap_counters.used -= block->size, heap_counters.blocks--;
  struct block *next = after(block);
  if (!(next->size & USED)) list_remove(next), block->size += next->size;
  if (block->before) {
    struct block *front = (struct block *)(at - block->before);
    if (!(front->size & USED)) list_remove(front), front->size += block->size, block = front;
  }
  after(block)->before = block->size;
  list_add(block);
}
