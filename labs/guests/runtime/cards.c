#include "cards.h"
#include "parameters.h"

char *put_card_number(char *to, struct random *stream, u32 error) {
  static const char *const issuers[6] = {"424242", "400000", "555555", "510510", "222300", "601111"};
  char digits[17];
  char *end = put_text(digits, issuers[random_next(stream) % 6]);
  while (end < digits + 15) *end++ = (char)('0' + random_next(stream) % 10);
  u32 sum = 0;
  for (u32 i = 0; i < 15; i++) {
    u32 digit = (u32)(digits[i] - '0') << (i % 2 == 0);
    sum += digit > 9 ? digit - 9 : digit;
  }
  digits[15] = (char)('0' + (10 - sum % 10 + error) % 10);
  digits[16] = 0; /* the stack keeps it: nothing that stood there before may lengthen the number */
  for (u32 i = 0; i < 16; i++) {
    if (parameters.card_format != CARD_PLAIN && i && i % 4 == 0) *to++ = parameters.card_format == CARD_DASHES ? '-' : ' ';
    *to++ = digits[i];
  }
  *to = 0;
  return to;
}

char *put_card_expiry(char *to, struct random *stream) {
  u32 month = 1 + random_next(stream) % 12;
  *to++ = (char)('0' + month / 10), *to++ = (char)('0' + month % 10);
  return put_number(put_text(to, "/"), 28 + random_next(stream) % 4);
}
