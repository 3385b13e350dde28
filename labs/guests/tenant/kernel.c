/* A tiny kernel in machine mode with two tenants in user mode. Physical memory protection is the wall between them: each
 * runs with entries for its own program and data, and everything else is out of its reach (RISC-V Privileged
 * Architecture, 3.7: user mode may touch only what an entry grants). */
#include "../runtime/net.h"
#include "../runtime/parameters.h"
#include "../runtime/terminal.h"
#include "calls.h"

#define SLICE (10 * TICKS_PER_MS) /* a tenant may keep the hart that long while another wants it */
#define TENANTS 2u

#define CAUSE_INSTRUCTION_MISALIGNED 0u
#define CAUSE_INSTRUCTION_FAULT 1u
#define CAUSE_ILLEGAL 2u
#define CAUSE_BREAKPOINT 3u
#define CAUSE_LOAD_FAULT 5u
#define CAUSE_STORE_FAULT 7u
#define CAUSE_ECALL_FROM_USER 8u
#define CAUSE_INTERRUPT (1u << 31)

#define SP 2
#define A0 10
#define A1 11
#define A2 12
#define A7 17

/* A configuration octet of the PMP: top of range, and what is allowed below it. */
#define PMP_R 1u
#define PMP_W 2u
#define PMP_X 4u
#define PMP_TOR 8u

/* See switch.S. */
struct frame {
  u32 registers[32]; /* [0]: the kernel's stack */
  u32 pc;
};
u32 run_tenant(struct frame *frame);
void trap(u32 cause, u32 pc, u32 value);

struct parameters parameters = {.magic = PARAMETERS_MAGIC, .seed = 0x00c0ffee, .ip = 0x0a00020f, .ram_octets = 16u << 20};

extern char _a_text[], _a_data[], _a_end[], _b_text[], _b_data[], _b_end[];
void tenant_a(u32 seed, u32 has_secret);
void tenant_b(u32 text, u32 data, u32 end);

static struct tenant {
  const char *name;
  u32 entry, text, data, end; /* program from text to data, data and stack from data to end */
  u32 arguments[3];
  enum { READY, ASLEEP, READING, OVER } state;
  u64 wake_at;
  struct frame frame;
} tenants[TENANTS];
#define A (&tenants[0])
#define B (&tenants[1])

/* B's mailbox: one line of the console. */
static char mail[MESSAGE_MAX];
static u32 mail_length, has_mail;
static u64 mail_time, busy_time; /* when the mail came; since when B does something else than read */
/* How long typed keys wait for B to read, so that they stand behind its prompt; and a line, when one is in the mailbox. */
#define KEY_PATIENCE (TICKS_PER_SECOND / 10)
#define MAIL_PATIENCE TICKS_PER_SECOND
static int tick_on;

/* ---- the wall ---- */
/* Entries 0 to 2: below the program, nothing; the program may be read and run; the data read and written. Each entry
 * reaches from the address of the one before it to its own. */
static void raise_wall(const struct tenant *tenant) {
  /* The fault: the first entry is set once, when the kernel starts, for the tenant that lies lowest in memory. That tenant
   * is none the worse for it. The other one's program then begins where its neighbour's does. */
  u32 below = parameters.isolation_fault ? A->text : tenant->text;
  __asm__ volatile("csrw pmpaddr0, %0" ::"r"(below >> 2));
  __asm__ volatile("csrw pmpaddr1, %0" ::"r"(tenant->data >> 2));
  __asm__ volatile("csrw pmpaddr2, %0" ::"r"(tenant->end >> 2));
  __asm__ volatile("csrw pmpcfg0, %0" ::"r"((PMP_TOR | PMP_R | PMP_X) << 8 | (PMP_TOR | PMP_R | PMP_W) << 16));
  flush_translations();
}

/* Whether the kernel may act on that memory for the tenant: all of it must be the tenant's own. */
static int owns(const struct tenant *tenant, u32 address, u32 length, int is_written) {
  u32 from = is_written ? tenant->data : tenant->text;
  return address >= from && address <= tenant->end && length <= tenant->end - address;
}

/* ---- tenants ---- */
static void start(struct tenant *tenant) {
  memset(&tenant->frame, 0, sizeof tenant->frame);
  tenant->frame.pc = tenant->entry;
  tenant->frame.registers[SP] = tenant->end;
  for (u32 i = 0; i < 3; i++) tenant->frame.registers[A0 + i] = tenant->arguments[i];
  tenant->state = READY;
  if (tenant == B) busy_time = now();
}

static u32 do_write(struct tenant *tenant, u32 address, u32 length) {
  if (length > WRITE_MAX || !owns(tenant, address, length, 0)) return ~0u;
  char text[WRITE_MAX + 1];
  memcpy(text, (const void *)address, length);
  text[length] = 0;
  if (tenant == B) print(text);
  else if (tick_on && B->state == READING) terminal_announce(text);
  else if (tick_on) print(text), print("\n");
  return length;
}

static void take_mail(struct tenant *tenant) {
  u32 length = mail_length, room = tenant->frame.registers[A1];
  if (length > room) length = room;
  if (!owns(tenant, tenant->frame.registers[A0], length, 1)) length = ~0u;
  else memcpy((void *)tenant->frame.registers[A0], mail, length);
  tenant->frame.registers[A0] = length;
  tenant->state = READY;
  has_mail = 0, busy_time = now();
}

static void system_call(struct tenant *tenant) {
  u32 *registers = tenant->frame.registers;
  tenant->frame.pc += 4;
  switch (registers[A7]) {
  case CALL_EXIT: tenant->state = OVER; break;
  case CALL_WRITE: registers[A0] = do_write(tenant, registers[A0], registers[A1]); break;
  case CALL_YIELD: break;
  case CALL_SLEEP:
    tenant->wake_at = now() + (u64)registers[A0] * TICKS_PER_MS;
    tenant->state = ASLEEP;
    break;
  case CALL_READ:
    tenant->state = READING;
    if (tenant == B) terminal_show_prompt(); /* B is done with the last line */
    break;
  default: registers[A0] = ~0u;
  }
}

/* What the hart refused. The program begins again, with its data as it is. */
static void refuse(struct tenant *tenant, u32 cause, u32 value) {
  const char *what = cause == CAUSE_INSTRUCTION_MISALIGNED ? "misaligned jump"
                     : cause == CAUSE_INSTRUCTION_FAULT    ? "instruction access fault"
                     : cause == CAUSE_LOAD_FAULT           ? "load access fault"
                     : cause == CAUSE_STORE_FAULT          ? "store access fault"
                     : cause == CAUSE_ILLEGAL              ? "illegal instruction"
                     : cause == CAUSE_BREAKPOINT           ? "breakpoint"
                                                           : "exception";
  int is_at_pc = cause == CAUSE_ILLEGAL || cause == CAUSE_BREAKPOINT;
  char text[96], *end = put_text(put_text(text, "tenant "), tenant->name);
  end = put_text(put_text(put_text(end, ": "), what), " at 0x");
  put_text(put_hex(end, is_at_pc ? tenant->frame.pc : value, 8), ", refused\n");
  print(text);
  start(tenant);
}

static void run(struct tenant *tenant, u64 slice_end) {
  raise_wall(tenant);
  set_alarm(slice_end);
  u32 value, cause = run_tenant(&tenant->frame);
  __asm__ volatile("csrr %0, mtval" : "=r"(value));
  if (cause & CAUSE_INTERRUPT) trap(cause, tenant->frame.pc, value);
  else if (cause == CAUSE_ECALL_FROM_USER) system_call(tenant);
  else refuse(tenant, cause, value);
}

/* ---- the console: the kernel edits lines, B gets them ---- */
static const char *const command_names[] = {"help", "where", "peek", "jump", "spin", "ps", "restart", "tick", "poweroff", 0};

static void do_ps(void) {
  static const char *const states[] = {"ready", "asleep", "reading", "over"};
  for (u32 i = 0; i < TENANTS; i++) {
    char text[64], *end = put_hex(put_text(put_text(put_text(text, "tenant "), tenants[i].name), " 0x"), tenants[i].text, 8);
    end = put_text(put_hex(put_text(end, " to 0x"), tenants[i].end, 8), " ");
    put_text(put_text(end, states[tenants[i].state]), "\n");
    print(text);
  }
}

static void leave_mail(const char *line) {
  if (has_mail) {
    print("tenant B is busy with the line before; restart starts it again\n");
    return;
  }
  mail_length = (u32)(put_text(mail, line) - mail);
  has_mail = 1, mail_time = now();
}

/* Commands of the kernel's own; everything else is for B. */
static int kernel_command(const char *line) {
  if (text_equal(line, "poweroff")) power_off();
  else if (text_equal(line, "ps")) do_ps();
  else if (text_equal(line, "restart")) start(B);
  else if (text_equal(line, "tick on")) tick_on = 1;
  else if (text_equal(line, "tick off")) tick_on = 0;
  else return 0;
  return 1;
}

/* What is typed ahead waits in the console until B is done with the line before; but not for ever, so that keys are echoed
 * and `restart` can be typed when B never is. */
static int is_console_read(void) {
  if (has_mail) return now() - mail_time > MAIL_PATIENCE;
  return B->state == READING || B->state == OVER || now() - busy_time > KEY_PATIENCE;
}

static void read_console(void) {
  int octet;
  while (is_console_read() && (octet = console_read()) >= 0) {
    char *line = terminal_type((char)octet);
    if (!line) continue;
    if (!kernel_command(line)) leave_mail(line);
    else if (B->state == READING) terminal_show_prompt();
  }
}

int main(void) {
  parameters_start();
  tick_on = !(parameters.flags & FLAG_NO_TICK);
  console_start();
  interrupts_start();
  net_start(parameters.ip);
  *A = (struct tenant){.name = "A", .entry = (u32)tenant_a, .text = (u32)_a_text, .data = (u32)_a_data, .end = (u32)_a_end};
  *B = (struct tenant){.name = "B", .entry = (u32)tenant_b, .text = (u32)_b_text, .data = (u32)_b_data, .end = (u32)_b_end};
  A->arguments[0] = parameters.seed, A->arguments[1] = !(parameters.flags & FLAG_NO_SECRETS);
  B->arguments[0] = B->text, B->arguments[1] = B->data, B->arguments[2] = B->end;
  print("\ntwo tenants and a kernel between them; this is the console of tenant B. Type help for the commands.\n\n");
  put_text(terminal_prompt, "B> ");
  terminal_commands = command_names;
  for (u32 i = 0; i < TENANTS; i++) start(&tenants[i]);

  for (u32 turn = 0;; turn = (turn + 1) % TENANTS) {
    flush_translations();
    u64 time = now(), due = ~0ull;
    read_console();
    net_poll();
    if (has_mail && B->state == READING) take_mail(B);
    int is_anyone_ready = 0;
    for (u32 i = 0; i < TENANTS; i++) {
      if (tenants[i].state == ASLEEP && time >= tenants[i].wake_at) tenants[i].state = READY;
      if (tenants[i].state == ASLEEP && tenants[i].wake_at < due) due = tenants[i].wake_at;
      if (tenants[i].state == READY) is_anyone_ready = 1;
    }
    if (!is_anyone_ready) sleep_until(due);
    else if (tenants[turn].state == READY) run(&tenants[turn], time + SLICE);
  }
}
