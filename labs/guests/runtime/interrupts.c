/* CLINT timer, PLIC, test finisher, and the trap handler behind start.S. */
#include "board.h"
#include "net.h"

#define MTIMECMP ((volatile u32 *)0x02004000)
#define MTIME ((volatile u32 *)0x0200bff8)
#define PLIC_PRIORITY ((volatile u32 *)0x0c000000)
#define PLIC_ENABLE ((volatile u32 *)0x0c002000)
#define PLIC_THRESHOLD ((volatile u32 *)0x0c200000)
#define PLIC_CLAIM ((volatile u32 *)0x0c200004)
#define FINISHER ((volatile u32 *)0x00100000)

#define MSTATUS_MIE 8u
#define MIE_TIMER (1u << 7)
#define MIE_EXTERNAL (1u << 11)
#define CAUSE_TIMER 0x80000007u
#define CAUSE_EXTERNAL 0x8000000bu

/* Something happened that the main loop has not looked at. */
static volatile int awake;

u64 now(void) {
  u32 high, low;
  do {
    high = MTIME[1];
    low = MTIME[0];
  } while (high != MTIME[1]);
  return (u64)high << 32 | low;
}

void set_alarm(u64 at) {
  MTIMECMP[1] = 0xffffffffu; /* never early while half is written */
  MTIMECMP[0] = (u32)at;
  MTIMECMP[1] = (u32)(at >> 32);
}

void plic_enable(u32 source) {
  PLIC_PRIORITY[source] = 1;
  *PLIC_ENABLE |= 1u << source;
}

void interrupts_start(void) {
  *PLIC_THRESHOLD = 0;
  set_alarm(~0ull);
  __asm__ volatile("csrw mie, %0" ::"r"(MIE_TIMER | MIE_EXTERNAL));
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE));
}

/* With interrupts off, wfi still ends on one; only then is it taken. So none can slip in between test and sleep. */
void sleep_until(u64 until) {
  __asm__ volatile("csrc mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
  if (!awake) {
    set_alarm(until);
    __asm__ volatile("wfi" ::: "memory");
  }
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
  awake = 0; /* the caller now looks at everything; what comes from here on makes the next sleep short */
}

void keep_awake(void) { awake = 1; }

void power_off(void) {
  *FINISHER = 0x5555;
  for (;;) __asm__ volatile("wfi");
}

void panic(const char *why) {
  print("\npanic: "), print(why), print("\n");
  *FINISHER = 0x3333 | 1u << 16;
  for (;;) __asm__ volatile("wfi");
}

void trap(u32 cause, u32 pc, u32 value) {
  if (cause == CAUSE_TIMER) {
    set_alarm(~0ull);
  } else if (cause == CAUSE_EXTERNAL) {
    u32 source = *PLIC_CLAIM;
    if (source == 10)
      console_interrupt();
    else if (source)
      net_interrupt();
    *PLIC_CLAIM = source;
  } else {
    char text[64], *end = put_hex(put_text(text, "cause "), cause, 8);
    end = put_hex(put_text(end, " pc "), pc, 8);
    put_hex(put_text(end, " value "), value, 8);
    panic(text);
  }
  awake = 1;
}
