#include "base64.h"

const char base64_alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *put_base64(char *to, const u8 *octets, u32 length, u32 line) {
  u32 column = 0;
  for (u32 i = 0; i < length; i += 3) {
    u32 group = (u32)octets[i] << 16 | (i + 1 < length ? (u32)octets[i + 1] << 8 : 0) | (i + 2 < length ? octets[i + 2] : 0u);
    for (u32 j = 0; j < 4; j++) *to++ = i + j <= length ? base64_alphabet[group >> (18 - 6 * j) & 63] : '=';
    if ((column += 4) == line && i + 3 < length) *to++ = '\n', column = 0;
  }
  *to = 0;
  return to;
}

u32 take_base64(u8 *to, u32 room, const char *text) {
  u32 bits = 0, count = 0, length = 0;
  for (; *text && *text != '='; text++) {
    u32 value = 0;
    while (value < 64 && base64_alphabet[value] != *text) value++;
    if (value == 64) break;
    bits = bits << 6 | value;
    if ((count += 6) >= 8 && length < room) to[length++] = (u8)(bits >> (count -= 8));
  }
  return length;
}
