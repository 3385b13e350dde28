#include "board.h"

void *memset(void *to, int octet, unsigned length) {
  u8 *p = to;
  while (length--) *p++ = (u8)octet;
  return to;
}

void *memcpy(void *to, const void *from, unsigned length) {
  u8 *p = to;
  const u8 *q = from;
  for (; length >= 4; length -= 4, p += 4, q += 4) p[0] = q[0], p[1] = q[1], p[2] = q[2], p[3] = q[3];
  while (length--) *p++ = *q++;
  return to;
}

void *memmove(void *to, const void *from, unsigned length) {
  if ((u32)to < (u32)from) return memcpy(to, from, length);
  u8 *p = to;
  const u8 *q = from;
  while (length--) p[length] = q[length];
  return to;
}

int memory_equal(const void *a, const void *b, unsigned length) {
  const u8 *p = a, *q = b;
  while (length && *p == *q) p++, q++, length--;
  return !length;
}

u32 text_length(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  return length;
}

int text_equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

char *put_text(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

char *put_number(char *to, u32 value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}

char *put_hex(char *to, u32 value, int digits) {
  while (digits--) *to++ = "0123456789abcdef"[value >> (4 * digits) & 15];
  *to = 0;
  return to;
}

u32 parse_number(const char *text) {
  u32 value = 0;
  for (; *text >= '0' && *text <= '9'; text++) {
    u32 digit = (u32)(*text - '0');
    if (value > (0xffffffffu - digit) / 10) return 0xffffffffu;
    value = value * 10 + digit;
  }
  return value;
}
