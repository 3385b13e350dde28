/* Start, run the program as often as the image's second word says, in user mode if its third word is not 0, print what it
 * found as eight hex digits on the UART, and end the run by the test finisher. */
#include "program.h"

#define UART ((volatile u8 *)0x10000000)
#define FINISHER ((volatile u32 *)0x00100000)

__asm__(".section .init\n.globl _start\n_start: j 1f\n.globl repeats\nrepeats: .word 1\n.globl user_mode\nuser_mode: .word 0\n1: la sp, _stack_top\n j run\n");
extern const volatile u32 repeats, user_mode;

/* One PMP entry opens everything. */
static void enter_user_mode(void) {
  __asm__ volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1\n csrc mstatus, %2\n la %0, 1f\n csrw mepc, %0\n mret\n1:"
                   : : "r"(-1), "r"(0x1f), "r"(0x1800));
}

__attribute__((noreturn, used)) static void run(void) {
  u32 value = 0;
  if (user_mode) enter_user_mode();
  for (u32 i = 0; i < repeats; i++) value = program();
  for (int shift = 28; shift >= 0; shift -= 4) UART[0] = (u8) "0123456789abcdef"[value >> shift & 15];
  UART[0] = '\n';
  *FINISHER = 0x5555;
  for (;;) __asm__ volatile("wfi");
}

void *memset(void *to, int octet, unsigned length) {
  for (u8 *p = to; length--;) *p++ = (u8)octet;
  return to;
}
void *memcpy(void *to, const void *from, unsigned length) {
  const u8 *q = from;
  for (u8 *p = to; length--;) *p++ = *q++;
  return to;
}
