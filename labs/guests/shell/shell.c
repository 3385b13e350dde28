/* A small server with a console: login, a shell, a counter, and work in the background. */
#include "../runtime/net.h"
#include "../runtime/parameters.h"
#include "../runtime/terminal.h"
#include "../runtime/workload.h"
#include "secrets.h"
#include "session.h"
#include "users.h"

#define HEAP 0x80040000u
#define LOOK_TICKS (TICKS_PER_SECOND / 10) /* between two looks at the host's parameter block */

struct parameters parameters = DEFAULT_PARAMETERS;
struct session session;
int tick_on;
u32 ticks;
u64 boot_time;

static enum { LOGIN, PASSWORD, SHELL } stage;
static char claimed_name[24];

static void set_stage(int next) {
  stage = next;
  terminal_hidden = stage == PASSWORD;
  terminal_commands = stage == SHELL ? command_names : 0;
  terminal_end_of_input = stage == SHELL ? "exit" : 0;
  if (stage == LOGIN) put_text(terminal_prompt, HOSTNAME " login: ");
  if (stage == PASSWORD) put_text(terminal_prompt, "Password: ");
  if (stage == SHELL) put_text(put_text(terminal_prompt, session.user), session.uid ? "@" HOSTNAME ":~$ " : "@" HOSTNAME ":~# ");
}

static void log_in(u32 index, const char *name) {
  put_text(session.user, name);
  session.uid = index == NOBODY ? 1000 : user_uid(index);
  session.is_over = 0;
  terminal_forget_history();
  set_stage(SHELL);
  print("Welcome to " HOSTNAME ". Type help for the commands.\n");
}

static void login_name(const char *name) {
  if (!*name || text_length(name) >= sizeof claimed_name) return;
  if (parameters.flags & FLAG_NO_SECRETS) {
    log_in(NOBODY, name);
    return;
  }
  put_text(claimed_name, name);
  set_stage(PASSWORD);
}

static void login_password(char *password) {
  u32 index = 0;
  while (index < USERS && !(text_equal(user_name(index), claimed_name) && user_has_password(index, password))) index++;
  memset(password, 0, LINE);
  if (index < USERS) {
    log_in(index, claimed_name);
    return;
  }
  print("Login incorrect\n\n");
  set_stage(LOGIN);
}

/* The host may change the working set and its rate while we run. */
static void read_parameters(u64 time) {
  const volatile struct parameters *given = (const volatile struct parameters *)PARAMETERS_AT;
  u32 pages = given->working_set_pages, rate = given->pages_per_second;
  if (given->magic != PARAMETERS_MAGIC || (pages == parameters.working_set_pages && rate == parameters.pages_per_second)) return;
  parameters.working_set_pages = pages, parameters.pages_per_second = rate;
  struct workload settings = workload_of_parameters();
  workload_set(&settings, time);
}

static void line_typed(char *line) {
  if (stage == LOGIN) login_name(line);
  else if (stage == PASSWORD) login_password(line);
  else command(line);
  if (session.is_over && stage == SHELL) set_stage(LOGIN);
}

static int is_tick_shown(void) { return tick_on && (stage == SHELL || parameters.flags & FLAG_TICK_ALWAYS); }

static void tick(void) {
  char text[24];
  ticks++;
  put_text(put_number(put_text(text, "[tick "), ticks), "]");
  if (is_tick_shown()) terminal_announce(text);
}

int main(void) {
  parameters_start();
  tick_on = !(parameters.flags & FLAG_NO_TICK);
  console_start();
  struct workload settings = workload_of_parameters();
  workload_start(secrets_make(HEAP), &settings, now());
  interrupts_start();
  int has_network = net_start(parameters.ip);
  print("\n" HOSTNAME ", a small RISC-V server");
  print(has_network ? "\n\n" : " (no network)\n\n");
  set_stage(LOGIN);
  terminal_show_prompt();

  boot_time = now();
  u64 next_tick = boot_time + TICKS_PER_SECOND, next_look = boot_time;
  workload_set(&settings, boot_time);
  for (;;) {
    flush_translations();
    u64 time = now();
    if (time >= next_tick) {
      next_tick += TICKS_PER_SECOND;
      tick();
    }
    if (time >= next_look) {
      next_look = time + LOOK_TICKS;
      read_parameters(time);
    }
    terminal_read(line_typed);
    net_poll();
    workload_run(time);
    /* Ticks that are not shown are counted at the next look. */
    u64 due = next_look;
    if (is_tick_shown() && next_tick < due) due = next_tick;
    sleep_until(workload_due(time, due));
  }
}
