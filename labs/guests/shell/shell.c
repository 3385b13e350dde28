/* A small server with a console: login, a shell, a counter, and work in the background. */
#include "../runtime/board.h"
#include "../runtime/net.h"
#include "../runtime/parameters.h"
#include "secrets.h"
#include "terminal.h"
#include "workload.h"

#define HEAP 0x80040000u
#define NOBODY 0xffffffffu

struct parameters parameters = DEFAULT_PARAMETERS;

static enum { LOGIN, PASSWORD, SHELL } stage;
static char claimed_name[24];
static char user[24];
static u32 uid;
static u32 user_index;
static int tick_on;
static u32 ticks;
static u64 boot_time;

static void set_stage(int next) {
  stage = next;
  terminal_hidden = stage == PASSWORD;
  if (stage == LOGIN) put_text(terminal_prompt, HOSTNAME " login: ");
  if (stage == PASSWORD) put_text(terminal_prompt, "Password: ");
  if (stage == SHELL) put_text(put_text(terminal_prompt, user), uid ? "@" HOSTNAME ":~$ " : "@" HOSTNAME ":~# ");
}

static void log_in(u32 index, const char *name) {
  user_index = index;
  put_text(user, name);
  uid = index == NOBODY ? 1000 : user_uid(index);
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

static void login_password(const char *password) {
  for (u32 i = 0; i < USERS; i++)
    if (text_equal(user_name(i), claimed_name) && text_equal(user_password(i), password)) {
      log_in(i, claimed_name);
      return;
    }
  print("Login incorrect\n\n");
  set_stage(LOGIN);
}

static void print_pair(const char *label, u32 value, const char *unit) {
  print_padded(label, 16);
  print_number(value);
  print(unit);
  print("\n");
}

static void do_help(void) {
  print("help whoami uptime ps free net ls exit poweroff\n"
        "cat FILE           show a file\n"
        "keys, get KEY      list settings and notes, show one\n"
        "set KEY VALUE      keep one\n"
        "work PAGES RATE    rewrite a working set, pages a second (work 0 0 stops)\n"
        "tick on|off        the counter line\n"
        "secrets            what there is to steal here, without saying it\n");
}

static void do_ps(void) {
  print("PID NAME     STATE\n  1 init     sleeping\n  2 shell    running\n");
  print(net_present() ? "  3 netd     sleeping\n" : "");
  print(workload_rate ? "  4 worker   running\n" : "  4 worker   stopped\n");
}

static void do_work(const char *pages, const char *rate) {
  u64 time = now();
  if (*rate) workload_set(parse_number(pages), parse_number(rate), time);
  print_pair("working set", workload_pages, " pages");
  print_pair("rate", workload_rate, " pages/s");
  if (!*rate) print_pair("rewritten", workload_visits, " pages");
}

static void do_free(void) {
  print_pair("memory", parameters.ram_octets / 1024, " KiB");
  print_pair("working set", workload_pages * (PAGE / 1024), " KiB");
  print_pair("filled", filled_pages * (PAGE / 1024), " KiB");
}

static void do_net(void) {
  if (!net_present()) {
    print("no network device\n");
    return;
  }
  char text[24], *end = text;
  for (int i = 0; i < 6; i++) end = put_hex(i ? put_text(end, ":") : end, net_mac[i], 2);
  print_padded("mac", 16), print(text), print("\n");
  end = text;
  for (int i = 0; i < 4; i++) end = put_number(i ? put_text(end, ".") : end, parameters.ip >> (24 - 8 * i) & 255);
  print_padded("ip", 16), print(text), print("\n");
  print_pair("received", net_counters.received, " frames");
  print_pair("sent", net_counters.sent, " frames");
}

static void print_cards(void) {
  for (u32 i = 0; i <= CARDS; i++) print_padded(card_holder(i), 12), print(card_number(i)), print("\n");
}

static void print_users(void) {
  for (u32 i = 0; i < USERS; i++) print_padded(user_name(i), 12), print(user_role(i)), print("\n");
}

static void print_motd(void) {
  const char *motd = setting_get("motd");
  print(motd ? motd : "");
  print("\n");
}

static void print_request(void) { print(request_text()); }
static void print_key(void) { print(key_text()); }

static const struct file {
  const char *name;
  int is_private; /* for the administrator only */
  void (*print)(void);
} files[] = {{"motd", 0, print_motd},
             {"users.txt", 0, print_users},
             {"cards.csv", 1, print_cards},
             {"id.pem", 1, print_key},
             {"last-request.log", 1, print_request}};
#define FILES (sizeof files / sizeof files[0])

static u32 files_shown(void) { return parameters.flags & FLAG_NO_SECRETS ? 1 : FILES; }

static void do_ls(void) {
  for (u32 i = 0; i < files_shown(); i++) {
    print(files[i].is_private ? "-rw------- " : "-rw-r--r-- ");
    print(files[i].name), print("\n");
  }
}

static void do_cat(const char *name) {
  for (u32 i = 0; i < files_shown(); i++)
    if (text_equal(files[i].name, name)) {
      if (files[i].is_private && uid)
        print("cat: permission denied\n");
      else
        files[i].print();
      return;
    }
  print("cat: no such file\n");
}

static void do_secrets(void) {
  u32 some = !(parameters.flags & FLAG_NO_SECRETS);
  print_pair("passwords", some * USERS, "");
  print_pair("private keys", some, "");
  print_pair("cards", some * CARDS, "");
  print_pair("web sessions", some, "");
}

static void do_keys(void) {
  const char *key;
  for (u32 i = 0; (key = setting_key(i)); i++) print(key), print("\n");
}

static void do_get(const char *key) {
  const char *value = setting_get(key);
  print(value ? value : "get: no such key");
  print("\n");
}

static void do_tick(const char *word) {
  if (text_equal(word, "on")) tick_on = 1;
  if (text_equal(word, "off")) tick_on = 0;
  print_pair("ticks", ticks, tick_on ? ", shown" : ", not shown");
}

/* Cut `line` at spaces into a command and two arguments; the last one keeps its spaces. */
static void command(char *line) {
  char *words[3] = {"", "", ""};
  int count = 0;
  while (*line == ' ') line++;
  while (*line && count < 3) {
    words[count++] = line;
    if (count == 3) break;
    while (*line && *line != ' ') line++;
    if (*line) *line++ = 0;
    while (*line == ' ') line++;
  }
  const char *name = words[0];
  if (!*name) return;
  if (text_equal(name, "help")) do_help();
  else if (text_equal(name, "whoami")) print(user), print(" uid "), print_number(uid), print("\n");
  else if (text_equal(name, "uptime")) print_pair("up", (u32)((now() - boot_time) / TICKS_PER_SECOND), " s");
  else if (text_equal(name, "ps")) do_ps();
  else if (text_equal(name, "free")) do_free();
  else if (text_equal(name, "net")) do_net();
  else if (text_equal(name, "ls")) do_ls();
  else if (text_equal(name, "cat")) do_cat(words[1]);
  else if (text_equal(name, "keys")) do_keys();
  else if (text_equal(name, "get")) do_get(words[1]);
  else if (text_equal(name, "set")) print(*words[2] && setting_set(words[1], words[2]) ? "ok\n" : "set: it does not fit\n");
  else if (text_equal(name, "work")) do_work(words[1], words[2]);
  else if (text_equal(name, "tick")) do_tick(words[1]);
  else if (text_equal(name, "secrets")) do_secrets();
  else if (text_equal(name, "poweroff")) power_off();
  else if (text_equal(name, "exit")) print("\n"), set_stage(LOGIN);
  else print(name), print(": not a command; try help\n");
}

/* The host may change the working set and its rate while we run. */
static void read_parameters(u64 time) {
  const volatile struct parameters *given = (const volatile struct parameters *)PARAMETERS_AT;
  u32 pages = given->working_set_pages, rate = given->pages_per_second;
  if (given->magic != PARAMETERS_MAGIC || (pages == parameters.working_set_pages && rate == parameters.pages_per_second)) return;
  parameters.working_set_pages = pages, parameters.pages_per_second = rate;
  workload_set(pages, rate, time);
}

static void read_console(void) {
  int octet;
  while ((octet = console_read()) >= 0) {
    char *line = terminal_type((char)octet);
    if (!line) continue;
    if (stage == LOGIN) login_name(line);
    else if (stage == PASSWORD) login_password(line);
    else command(line);
    terminal_show_prompt();
  }
}

static void tick(void) {
  char text[24];
  ticks++;
  put_text(put_number(put_text(text, "[tick "), ticks), "]");
  if (tick_on && (stage == SHELL || parameters.flags & FLAG_TICK_ALWAYS)) terminal_announce(text);
}

int main(void) {
  const struct parameters *given = (const struct parameters *)PARAMETERS_AT;
  if (given->magic == PARAMETERS_MAGIC) memcpy(&parameters, given, sizeof parameters);
  tick_on = !(parameters.flags & FLAG_NO_TICK);
  console_start();
  workload_start(secrets_make(HEAP), now());
  interrupts_start();
  int has_network = net_start(parameters.ip);
  print("\n" HOSTNAME ", a small RISC-V server");
  print(has_network ? "\n\n" : " (no network)\n\n");
  set_stage(LOGIN);
  terminal_show_prompt();

  boot_time = now();
  u64 next_tick = boot_time + TICKS_PER_SECOND;
  workload_set(workload_pages, workload_rate, boot_time);
  for (;;) {
    flush_translations();
    u64 time = now();
    if (time >= next_tick) {
      next_tick += TICKS_PER_SECOND;
      tick();
    }
    read_console();
    net_poll();
    read_parameters(time);
    workload_run(time);
    /* A light workload is served every 10 ms, a heavy one every millisecond. */
    sleep_until(time + (workload_rate > 200 ? TICKS_PER_MS : 10 * TICKS_PER_MS));
  }
}
