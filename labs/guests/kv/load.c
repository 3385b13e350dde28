#include "load.h"
#include "../runtime/cards.h"
#include "../runtime/parameters.h"
#include "store.h"

#define KEYS_PER_PAGE 8u
#define VALUE_LEAST 320u /* octets of a cart: with what is around it, eight fill a page */
#define VALUE_SPREAD 256u
#define THINGS 6u
#define RATE_MAX 1000000u
#define BURST 100u /* at a time, so that nobody who asks waits for long */
#define BACKLOG_MAX (TICKS_PER_SECOND / 5) /* what a starved guest makes up for at most */

struct load_counters load_counters;
static struct random choices;
static u64 last;
static u64 read_credit, write_credit; /* operations owed, times TICKS_PER_SECOND */

/* name=velvet.otter card=4242424242424242 expires=04/29 */
static void make_customers(void) {
  for (u32 i = 0; i < CUSTOMERS; i++) {
    struct random stream;
    random_start(&stream, 500 + i);
    char key[24], value[96];
    char *key_end = put_number(put_text(key, "customer:"), i + 1), *end = put_text(value, "name=");
    end = put_word(end, &stream);
    *end++ = '.';
    end = put_word(end, &stream);
    if (!(parameters.flags & FLAG_NO_SECRETS)) {
      end = put_card_number(put_text(end, " card="), &stream, 0);
      end = put_card_expiry(put_text(end, " expires="), &stream);
    }
    store_set(key, (u32)(key_end - key), value, (u32)(end - value));
  }
}

static u32 cart_count(void) {
  u32 most = parameters.ram_octets / PAGE * KEYS_PER_PAGE, count = parameters.working_set_pages * KEYS_PER_PAGE;
  return parameters.working_set_pages > parameters.ram_octets / PAGE ? most : count;
}

static u32 cart_key(char *key, u32 number) { return (u32)(put_number(put_text(key, "cart:"), number) - key); }

/* A cart: a few things, in many lines. The next one is of another length, so that it gets another block. */
static void write_cart(u32 number) {
  char key[24], line[THINGS * 12], *end = line;
  u32 length = VALUE_LEAST + random_next(&choices) % VALUE_SPREAD;
  for (u32 i = 0; i < THINGS; i++) *(end = put_word(end, &choices)) = i < THINGS - 1 ? ',' : '\n', end++;
  char *to = store_put(key, cart_key(key, number), length);
  if (!to) {
    load_counters.refused++;
    return;
  }
  load_counters.writes++;
  for (u32 part = (u32)(end - line); length; to += part, length -= part) {
    if (part > length) part = length;
    memcpy(to, line, part);
  }
}

/* Most who look something up look for a cart; one in eight for a customer. */
static void read_something(u32 carts) {
  char key[24];
  u32 choice = random_next(&choices), length;
  if (choice % 8 && carts) length = cart_key(key, choice / 8 % carts);
  else length = (u32)(put_number(put_text(key, "customer:"), 1 + choice / 8 % CUSTOMERS) - key);
  struct entry *entry = store_find(key, length);
  if (entry) entry->reads++;
  load_counters.reads++;
}

void load_start(u64 time) {
  random_start(&choices, 600);
  make_customers();
  for (u32 i = 0, carts = cart_count(); i < carts && !load_counters.refused; i++) write_cart(i);
  load_counters = (struct load_counters){0};
  last = time;
}

static u32 rate_of(u32 asked) { return asked > RATE_MAX ? RATE_MAX : asked; }

/* Operations due: what is owed, at most what a burst may do and BACKLOG_MAX made. */
static u32 due(u64 *credit, u64 elapsed, u32 rate) {
  *credit += elapsed * rate;
  u64 most = (u64)BACKLOG_MAX * rate + TICKS_PER_SECOND;
  if (*credit > most) *credit = most;
  u32 count = (u32)(*credit / TICKS_PER_SECOND);
  if (count > BURST) count = BURST;
  *credit -= (u64)count * TICKS_PER_SECOND;
  return count;
}

u64 load_run(u64 time) {
  u64 elapsed = time - last > BACKLOG_MAX ? BACKLOG_MAX : time - last;
  last = time;
  u32 carts = cart_count(), reads = rate_of(parameters.reads_per_second);
  u32 writes = carts ? rate_of(parameters.writes_per_second) : 0;
  for (u32 left = due(&read_credit, elapsed, reads); left; left--) read_something(carts);
  for (u32 left = due(&write_credit, elapsed, writes); left; left--) {
    flush_translations();
    write_cart(random_next(&choices) % carts);
  }
  if (read_credit >= TICKS_PER_SECOND || write_credit >= TICKS_PER_SECOND) return time;
  if (!reads && !writes) return ~0ull;
  /* A light load is served every 10 ms, a heavy one every millisecond. */
  return time + (reads + writes > 400 ? TICKS_PER_MS : 10 * TICKS_PER_MS);
}
