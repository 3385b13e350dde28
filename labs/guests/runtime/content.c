#include "content.h"
#include "parameters.h"

/* Of zero-heavy pages, how many in 16 are wholly zero, and how many words of the others are not. */
#define ZERO_PAGES_IN_16 6u
#define WORDS_IN_16 2u

/* ---- text: lines of a log among sentences of the words of a small office ---- */
static const char *const NOUNS[16] = {"the invoice", "a customer", "the order", "our supplier", "the parcel", "this account", "the refund", "the courier",
                                      "the contract", "a reminder", "the warehouse", "the statement", "the delivery", "a colleague", "the payment", "the quotation"};
static const char *const VERBS[16] = {"was sent to", "is waiting for", "refers to", "has been checked against", "follows", "was returned with", "belongs to", "does not match",
                                      "arrived before", "replaces", "was signed after", "depends on", "is listed under", "was paid through", "mentions", "will be sent with"};
static const char *const CLOSES[8] = {".", ", as agreed.", " on Monday.", " in the morning.", ", please confirm.", " for the third time.", " without delay.", "."};
static const char *const EVENTS[8] = {"session opened for user ", "connection closed by peer, port ", "request served in ms ", "cache miss, entry ",
                                      "queue length now ", "retry number ", "checkpoint written, block ", "heartbeat from node "};

static char *put_sentence(char *to, struct random *stream) {
  u32 choice = random_next(stream);
  to = put_text(to, NOUNS[choice & 15]);
  *to++ = ' ';
  to = put_text(to, VERBS[choice >> 4 & 15]);
  *to++ = ' ';
  to = put_text(to, NOUNS[choice >> 8 & 15]);
  return put_text(to, CLOSES[choice >> 12 & 7]);
}

static char *put_log_line(char *to, struct random *stream) {
  u32 choice = random_next(stream);
  to = put_text(to, "Mar 14 09:");
  u32 minute = choice >> 3 & 31, second = choice >> 8 & 31;
  *to++ = (char)('0' + minute / 10), *to++ = (char)('0' + minute % 10), *to++ = ':';
  *to++ = (char)('0' + second / 10), *to++ = (char)('0' + second % 10);
  to = put_text(to, " office app[412]: ");
  return put_number(put_text(to, EVENTS[choice & 7]), choice >> 16 & 1023);
}

#define TEXT_LINE_MAX 96u

static char *put_line(char *to, struct random *stream) {
  to = random_next(stream) & 1 ? put_log_line(to, stream) : put_sentence(to, stream);
  *to++ = '\n';
  return to;
}

/* Text over `length` octets at `to`, cut where they end. */
static void write_text(u8 *to, u32 length, struct random *stream) {
  u8 *end = to + length;
  while ((u32)(end - to) > TEXT_LINE_MAX) to = (u8 *)put_line((char *)to, stream);
  while (to < end) {
    char line[TEXT_LINE_MAX];
    u32 count = (u32)(put_line(line, stream) - line);
    if (count > (u32)(end - to)) count = (u32)(end - to);
    memcpy(to, line, count);
    to += count;
  }
}

/* ---- words ---- */
static u32 sparse_word(u32 chance) { return (chance >> 28) < WORDS_IN_16 ? chance & 0xffff : 0; }

static int is_zero_page(struct random *stream) { return (random_next(stream) & 15) < ZERO_PAGES_IN_16; }

static void fill_random(u32 *page, struct random *stream) {
  u32 value = random_next(stream) | 1;
  for (u32 *end = page + PAGE / 4; page < end; page += 4) {
    page[0] = value *= 1664525u;
    page[1] = value *= 1664525u;
    page[2] = value *= 1664525u;
    page[3] = value *= 1664525u;
  }
}

void content_fill(u32 *page, u32 kind, struct random *stream) {
  flush_translations();
  if (kind == CONTENT_TEXT)
    write_text((u8 *)page, PAGE, stream);
  else if (kind != CONTENT_ZEROS)
    fill_random(page, stream);
  else {
    u32 is_zero = is_zero_page(stream), value = random_next(stream);
    for (u32 i = 0; i < PAGE / 4; i++) page[i] = is_zero ? 0 : sparse_word(value = value * 1664525u + 1013904223u);
  }
}

void content_rewrite(u32 *page, u32 kind, u32 octets, u32 visit, u32 round, struct random *stream) {
  u32 words = octets / 4, stride = PAGE / 4 / words;
  flush_translations();
  if (kind == CONTENT_TEXT) {
    /* One piece further on at each round, as a log or a file is written. */
    write_text((u8 *)page + round % (PAGE / octets) * octets, octets, stream);
  } else if (kind == CONTENT_ZEROS) {
    if (is_zero_page(stream)) { /* freed, and given out again as new memory is: all zero */
      for (u32 i = 0; i < PAGE / 4; i++) page[i] = 0;
      return;
    }
    u32 value = random_next(stream);
    page[round % stride] = value | 1; /* not left zero by chance */
    for (u32 i = 1, at = round % stride + stride; i < words; i++, at += stride) page[at] = sparse_word(value = value * 1664525u + 1013904223u);
  } else {
    for (u32 i = 0, at = round % stride; i < words; i++, at += stride) page[at] = (visit + i) * 2654435761u + 1;
  }
}
