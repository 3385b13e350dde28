/* A guest for migration studies: it rewrites a working set, and says how. It holds no secret. */
#include "../runtime/net.h"
#include "../runtime/parameters.h"
#include "../runtime/terminal.h"
#include "../runtime/words.h"
#include "../runtime/workload.h"

#define HEAP 0x80040000u
#define LOOK_TICKS (TICKS_PER_SECOND / 10) /* between two looks at the host's parameter block */

struct parameters parameters = {.magic = PARAMETERS_MAGIC,
                                .seed = 0x00c0ffee,
                                .working_set_pages = 256,
                                .pages_per_second = 1000,
                                .octets_per_page = 256,
                                .ip = 0x0a00020f,
                                .ram_octets = 16u << 20,
                                .flags = FLAG_NO_SECRETS,
                                .hot_pages = 32,
                                .hot_percent = 80,
                                .content = CONTENT_TEXT};
static int tick_on;
static u32 ticks;
static u32 visits_before, visits_last_second;

static const char *const content_names[] = {"random", "zeros", "text"};
#define CONTENTS (sizeof content_names / sizeof content_names[0])

static void print_pair(const char *label, u32 value, const char *unit) {
  print_padded(label, 16);
  print_number(value);
  print(unit);
  print("\n");
}

/* ---- commands ---- */
static void print_settings(void) {
  print_pair("working set", workload.pages, " pages");
  print_pair("rate", workload.rate, " pages/s");
  print_pair("each visit", workload.octets_per_page, " octets");
  print_pair("hot pages", workload.hot_pages, "");
  print_pair("visits to them", workload.hot_percent, " %");
  print_padded("content", 16), print(content_names[workload.content]), print("\n");
}

static void do_help(const char **arguments) {
  (void)arguments;
  print("work [PAGES RATE [OCTETS]]   rewrite a working set, pages a second, octets of each page\n"
        "hot [PAGES PERCENT]          the first pages get that share of the visits (hot 0 0: all the same)\n"
        "content [random|zeros|text]  what pages are rewritten with\n"
        "stats                        what was done so far\n"
        "tick on|off                  the counter line\n"
        "help poweroff\n");
}

static void do_work(const char **arguments) {
  struct workload settings = workload;
  if (*arguments[1]) {
    settings.pages = parse_number(arguments[0]), settings.rate = parse_number(arguments[1]);
    if (*arguments[2]) settings.octets_per_page = parse_number(arguments[2]);
    workload_set(&settings, now());
  }
  print_settings();
}

static void do_hot(const char **arguments) {
  struct workload settings = workload;
  if (*arguments[1]) {
    settings.hot_pages = parse_number(arguments[0]), settings.hot_percent = parse_number(arguments[1]);
    workload_set(&settings, now());
  }
  print_settings();
}

static void do_content(const char **arguments) {
  struct workload settings = workload;
  u32 kind = 0;
  while (kind < CONTENTS && !text_equal(content_names[kind], arguments[0])) kind++;
  if (kind < CONTENTS) {
    settings.content = kind;
    workload_set(&settings, now());
  } else if (*arguments[0])
    print("content: random, zeros or text\n");
  print_settings();
}

static void do_stats(const char **arguments) {
  (void)arguments;
  print_pair("visits", workload_visits, "");
  print_pair("of hot pages", workload_hot_visits, "");
  print_pair("last second", visits_last_second, "");
  print_pair("filled", filled_pages, " pages");
  print_pair("memory", parameters.ram_octets / 1024, " KiB");
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

static const char *const command_names[] = {"help", "work", "hot", "content", "stats", "tick", "poweroff", 0};
static void (*const commands[])(const char **arguments) = {do_help, do_work, do_hot, do_content, do_stats, do_tick, do_poweroff};

static void command(char *line) {
  const char *words[4];
  if (!cut_words(line, words, 4)) return;
  for (u32 i = 0; command_names[i]; i++)
    if (text_equal(command_names[i], words[0])) {
      commands[i](words + 1);
      return;
    }
  print(words[0]), print(": not a command; try help\n");
}

/* ---- what the host says ---- */
static struct workload settings_given(void) {
  struct workload settings = workload_of_parameters();
  settings.hot_pages = parameters.hot_pages, settings.hot_percent = parameters.hot_percent;
  return settings;
}

/* The host may change them while we run; what was typed holds until it does. */
static void read_parameters(u64 time) {
  const volatile struct parameters *given = (const volatile struct parameters *)PARAMETERS_AT;
  if (given->magic != PARAMETERS_MAGIC) return;
  if (given->working_set_pages == parameters.working_set_pages && given->pages_per_second == parameters.pages_per_second &&
      given->octets_per_page == parameters.octets_per_page && given->content == parameters.content &&
      given->hot_pages == parameters.hot_pages && given->hot_percent == parameters.hot_percent)
    return;
  parameters.working_set_pages = given->working_set_pages, parameters.pages_per_second = given->pages_per_second;
  parameters.octets_per_page = given->octets_per_page, parameters.content = given->content;
  parameters.hot_pages = given->hot_pages, parameters.hot_percent = given->hot_percent;
  struct workload settings = settings_given();
  workload_set(&settings, time);
}

static void tick(void) {
  char text[24];
  ticks++;
  visits_last_second = workload_visits - visits_before;
  visits_before = workload_visits;
  put_text(put_number(put_text(text, "[tick "), ticks), "]");
  if (tick_on) terminal_announce(text);
}

int main(void) {
  parameters_start();
  tick_on = !(parameters.flags & FLAG_NO_TICK);
  console_start();
  print("\nstress, a guest that rewrites its memory\n");
  struct workload settings = settings_given(); /* filling it takes a while */
  workload_start(HEAP, &settings, now());
  interrupts_start();
  net_start(parameters.ip);
  print("Type help for the commands.\n\n");
  put_text(terminal_prompt, "stress> ");
  terminal_commands = command_names;
  terminal_show_prompt();

  u64 start = now(), next_tick = start + TICKS_PER_SECOND, next_look = start;
  workload_set(&settings, start);
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
    terminal_read(command);
    net_poll();
    workload_run(time);
    sleep_until(workload_due(time, next_tick < next_look ? next_tick : next_look));
  }
}
