/* The store: keys with values, in a hash table in heap memory. */
#ifndef STORE_H
#define STORE_H
#include "../runtime/board.h"

struct entry {
  struct entry *next; /* in its bucket */
  u32 hash;
  u32 reads; /* so that reading dirties a page too, as Redis's access times do */
  u32 key_length, value_length;
  char octets[]; /* the key, then the value */
};
static inline const char *entry_value(const struct entry *entry) { return entry->octets + entry->key_length; }

extern u32 store_count;
extern u32 store_limit; /* octets of the heap beyond which nothing is stored: connections and answers need some, too */

/* 0 if there is no memory. */
int store_start(void);
/* The entry of that key, or 0. */
struct entry *store_find(const char *key, u32 key_length);
/* Where to write the value of that key; 0 if there is no memory: then all is as it was. What stood there before is freed, not
 * wiped. */
char *store_put(const char *key, u32 key_length, u32 value_length);
/* The same, with the value. */
int store_set(const char *key, u32 key_length, const char *value, u32 value_length);
/* Whether it was there. */
int store_delete(const char *key, u32 key_length);
/* The entry after `entry`, in no order; the first after 0. */
struct entry *store_next(const struct entry *entry);

#endif
