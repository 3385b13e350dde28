#ifndef SECRETS_H
#define SECRETS_H
#include "../runtime/random.h"

#define CARDS 4u
#define SETTINGS 32u

/* Make everything from the seed in `parameters`, in fresh pages at `heap`; returns the first page after them. */
u32 secrets_make(u32 heap);

/* Records lie in memory in one of two layouts: these find the parts of record `index`. */
const char *card_holder(u32 index);
const char *card_number(u32 index);
const char *key_text(void);
const char *request_text(void);
/* The setting called `key`, as text in a buffer of the next call's; 0 if there is none. */
const char *setting_get(const char *key);
/* 0 if it does not fit. */
int setting_set(const char *key, const char *value);
/* The name of setting `index`, or 0. */
const char *setting_key(u32 index);

#endif
