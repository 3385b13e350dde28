/* What can be typed after the login. */
#include "../runtime/clock.h"
#include "../runtime/net.h"
#include "../runtime/parameters.h"
#include "../runtime/words.h"
#include "../runtime/workload.h"
#include "people.h"
#include "secrets.h"
#include "session.h"
#include "users.h"

static int has_secrets(void) { return !(parameters.flags & FLAG_NO_SECRETS); }

static void print_pair(const char *label, u32 value, const char *unit) {
  print_padded(label, 16);
  print_number(value);
  print(unit);
  print("\n");
}

static void do_help(const char **arguments) {
  (void)arguments;
  print("help whoami date uptime ps free net ls exit poweroff\n"
        "cat FILE           show a file\n"
        "people, people NAME  the address book, those whose name contains NAME\n"
        "keys, get KEY      list settings and notes, show one\n"
        "set KEY VALUE      keep one\n"
        "work PAGES RATE    rewrite a working set, pages a second (work 0 0 stops)\n"
        "tick on|off        the counter line\n"
        "secrets            what there is to steal here, without saying it\n"
        "Tab completes a command; the arrow keys, ^A ^E ^K ^U ^W ^L edit the line.\n");
}

static void do_whoami(const char **arguments) {
  (void)arguments;
  print(session.user), print(" uid "), print_number(session.uid), print("\n");
}

static void do_date(const char **arguments) {
  char text[40];
  (void)arguments;
  put_text(put_time_of_day(text), "\n");
  print(text);
}

static void do_uptime(const char **arguments) {
  (void)arguments;
  print_pair("up", (u32)((now() - boot_time) / TICKS_PER_SECOND), " s");
}

static void do_ps(const char **arguments) {
  (void)arguments;
  print("PID NAME     STATE\n  1 init     sleeping\n  2 shell    running\n");
  print(net_present() ? "  3 netd     sleeping\n" : "");
  print(workload.rate ? "  4 worker   running\n" : "  4 worker   stopped\n");
}

static void do_work(const char **arguments) {
  const char *pages = arguments[0], *rate = arguments[1];
  if (*rate) {
    struct workload settings = workload;
    settings.pages = parse_number(pages), settings.rate = parse_number(rate);
    workload_set(&settings, now());
  }
  print_pair("working set", workload.pages, " pages");
  print_pair("rate", workload.rate, " pages/s");
  if (!*rate) print_pair("rewritten", workload_visits, " pages");
}

static void do_free(const char **arguments) {
  (void)arguments;
  print_pair("memory", parameters.ram_octets / 1024, " KiB");
  print_pair("working set", workload.pages * (PAGE / 1024), " KiB");
  print_pair("filled", filled_pages * (PAGE / 1024), " KiB");
}

static void do_net(const char **arguments) {
  (void)arguments;
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

/* ---- files ---- */
static void print_cards(void) {
  for (u32 i = 0; i <= CARDS; i++) print_padded(card_holder(i), 12), print(card_number(i)), print("\n");
}

static void print_users(void) {
  for (u32 i = 0; i < USERS; i++) print_padded(user_name(i), 12), print(user_role(i)), print("\n");
}

static void print_hashes(void) {
  for (u32 i = 0; i < USERS; i++) print(user_name(i)), print(":"), print(user_hash(i)), print("\n");
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
             {"shadow", 1, print_hashes},
             {"cards.csv", 1, print_cards},
             {"id.pem", 1, print_key},
             {"last-request.log", 1, print_request}};
#define FILES (sizeof files / sizeof files[0])

static u32 files_shown(void) { return has_secrets() ? FILES : 1; }

static void do_ls(const char **arguments) {
  (void)arguments;
  for (u32 i = 0; i < files_shown(); i++) {
    print(files[i].is_private ? "-rw------- " : "-rw-r--r-- ");
    print(files[i].name), print("\n");
  }
}

static void do_cat(const char **arguments) {
  for (u32 i = 0; i < files_shown(); i++)
    if (text_equal(files[i].name, arguments[0])) {
      if (files[i].is_private && session.uid)
        print("cat: permission denied\n");
      else
        files[i].print();
      return;
    }
  print("cat: no such file\n");
}

/* ---- the address book ---- */
static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter; }

static int contains(const char *text, const char *part) {
  for (; *text; text++) {
    u32 i = 0;
    while (part[i] && lower(text[i]) == lower(part[i])) i++;
    if (!part[i]) return 1;
  }
  return 0;
}

static void do_people(const char **arguments) {
  const char *wanted = arguments[0];
  u32 shown = 0;
  for (u32 i = 0; has_secrets() && i < PEOPLE; i++) {
    if (!contains(person_name(i), wanted)) continue;
    shown++;
    if (*wanted) print_padded(person_name(i), 22), print_padded(person_mail(i), 36), print(person_phone(i));
    else print(person_name(i));
    print("\n");
  }
  if (!shown) print("people: nobody of that name\n");
}

/* ---- settings ---- */
static void do_secrets(const char **arguments) {
  u32 some = (u32)has_secrets();
  (void)arguments;
  print_pair("password hashes", some * USERS, "");
  print_pair("private keys", some, "");
  print_pair("cards", some * CARDS, "");
  print_pair("web sessions", some, "");
  print_pair("contacts", some * PEOPLE, "");
}

static void do_keys(const char **arguments) {
  const char *key;
  (void)arguments;
  for (u32 i = 0; (key = setting_key(i)); i++) print(key), print("\n");
}

static void do_get(const char **arguments) {
  const char *value = setting_get(arguments[0]);
  print(value ? value : "get: no such key");
  print("\n");
}

static void do_set(const char **arguments) {
  print(*arguments[1] && setting_set(arguments[0], arguments[1]) ? "ok\n" : "set: it does not fit\n");
}

static void do_tick(const char **arguments) {
  if (text_equal(arguments[0], "on")) tick_on = 1;
  if (text_equal(arguments[0], "off")) tick_on = 0;
  print_pair("ticks", ticks, tick_on ? ", shown" : ", not shown");
}

static void do_poweroff(const char **arguments) {
  (void)arguments;
  power_off();
}

static void do_exit(const char **arguments) {
  (void)arguments;
  print("\n");
  session.is_over = 1;
}

/* The names apart, because Tab completes them; what they do in the same order. */
const char *const command_names[] = {"help",   "whoami", "date", "uptime", "ps",   "free", "net",     "ls",       "cat",
                                     "people", "keys",   "get",  "set",    "work", "tick", "secrets", "poweroff", "exit", 0};
static void (*const commands[])(const char **arguments) = {do_help,   do_whoami, do_date, do_uptime, do_ps,   do_free,
                                                           do_net,    do_ls,     do_cat,  do_people, do_keys, do_get,
                                                           do_set,    do_work,   do_tick, do_secrets, do_poweroff, do_exit};
_Static_assert(sizeof command_names / sizeof command_names[0] == sizeof commands / sizeof commands[0] + 1, "a name for each");

void command(char *line) {
  const char *words[3];
  if (!cut_words(line, words, 3)) return;
  for (u32 i = 0; command_names[i]; i++)
    if (text_equal(command_names[i], words[0])) {
      commands[i](words + 1);
      return;
    }
  print(words[0]), print(": not a command; try help\n");
}
