/* What a tenant's program has: system calls and a little text. All of it inline, so that each program carries its own copy
 * inside its own walls: it can call nothing of the kernel's, and nothing of its neighbour's. */
#ifndef PROGRAM_H
#define PROGRAM_H
#include "../runtime/board.h"
#include "calls.h"

static inline u32 call(u32 number, u32 first, u32 second) {
  register u32 a0 __asm__("a0") = first;
  register u32 a1 __asm__("a1") = second;
  register u32 a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}

static inline void exit_program(void) { call(CALL_EXIT, 0, 0); }
static inline void yield(void) { call(CALL_YIELD, 0, 0); }
static inline void sleep_ms(u32 ms) { call(CALL_SLEEP, ms, 0); }
static inline u32 read_message(char *buffer, u32 room) { return call(CALL_READ, (u32)buffer, room); }

static inline u32 write_text(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  return call(CALL_WRITE, (u32)text, length);
}

static inline char *append(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

static inline char *append_number(char *to, u32 value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}

static inline char *append_hex(char *to, u32 value, int digits) {
  while (digits--) {
    u32 digit = value >> (4 * digits) & 15;
    *to++ = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
  }
  *to = 0;
  return to;
}

#endif
