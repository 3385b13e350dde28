/* What pages hold: pseudo-random words, mostly zeros, or text. */
#ifndef CONTENT_H
#define CONTENT_H
#include "random.h"

/* Fill a page with content of that kind (CONTENT_*). */
void content_fill(u32 *page, u32 kind, struct random *stream);
/* Rewrite `octets` (a multiple of 4, at most PAGE) of a page: words or, of text, lines. `visit` counts the visits. */
void content_rewrite(u32 *page, u32 kind, u32 octets, u32 visit, u32 round, struct random *stream);

#endif
