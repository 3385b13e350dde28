#include "store.h"
#include "../runtime/heap.h"

#define BUCKETS_FIRST 64u
#define RESERVE_MAX (512 * 1024u)

u32 store_count, store_limit;
static struct entry **buckets;
static u32 bucket_count;

/* FNV-1a, 32 bits. */
static u32 hash_of(const char *key, u32 length) {
  u32 hash = 2166136261u;
  while (length--) hash = (hash ^ (u8)*key++) * 16777619u;
  return hash;
}

static struct entry **bucket_of(u32 hash) { return &buckets[(hash ^ hash >> 16) & (bucket_count - 1)]; }

static int resize(u32 count) {
  struct entry **old = buckets, **fresh = heap_alloc(count * sizeof *fresh);
  if (!fresh) return 0;
  memset(fresh, 0, count * sizeof *fresh);
  u32 old_count = bucket_count;
  buckets = fresh, bucket_count = count;
  for (u32 i = 0; i < old_count; i++)
    for (struct entry *entry = old[i], *next; entry; entry = next) {
      next = entry->next;
      struct entry **bucket = bucket_of(entry->hash);
      entry->next = *bucket, *bucket = entry;
    }
  heap_free(old);
  return 1;
}

int store_start(void) {
  u32 quarter = heap_counters.size / 4;
  store_limit = heap_counters.size - (quarter < RESERVE_MAX ? quarter : RESERVE_MAX);
  return resize(BUCKETS_FIRST);
}

/* What points to the entry of that key, or to 0 at the end of its bucket. */
static struct entry **place_of(const char *key, u32 length) {
  u32 hash = hash_of(key, length);
  struct entry **at = bucket_of(hash);
  for (; *at; at = &(*at)->next)
    if ((*at)->hash == hash && (*at)->key_length == length && memory_equal((*at)->octets, key, length)) break;
  return at;
}

struct entry *store_find(const char *key, u32 key_length) { return *place_of(key, key_length); }

char *store_put(const char *key, u32 key_length, u32 value_length) {
  u32 size = (u32)sizeof(struct entry) + key_length + value_length;
  struct entry *entry = heap_counters.used + size <= store_limit ? heap_alloc(size) : 0;
  if (!entry) return 0;
  entry->hash = hash_of(key, key_length), entry->reads = 0;
  entry->key_length = key_length, entry->value_length = value_length;
  memcpy(entry->octets, key, key_length);
  struct entry **at = place_of(key, key_length), *old = *at;
  entry->next = old ? old->next : 0;
  *at = entry;
  heap_free(old);
  if (!old && ++store_count > bucket_count) resize(2 * bucket_count); /* without room it gets slower, no more */
  return entry->octets + key_length;
}

int store_set(const char *key, u32 key_length, const char *value, u32 value_length) {
  char *to = store_put(key, key_length, value_length);
  if (to) memcpy(to, value, value_length);
  return to != 0;
}

int store_delete(const char *key, u32 key_length) {
  struct entry **at = place_of(key, key_length), *old = *at;
  if (!old) return 0;
  *at = old->next;
  heap_free(old);
  store_count--;
  return 1;
}

struct entry *store_next(const struct entry *entry) {
  if (entry && entry->next) return entry->next;
  struct entry **bucket = entry ? bucket_of(entry->hash) + 1 : buckets;
  for (; bucket < buckets + bucket_count; bucket++)
    if (*bucket) return *bucket;
  return 0;
}
