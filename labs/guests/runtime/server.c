#include "server.h"
#include "heap.h"
#include "net.h"
#include "parameters.h"
#include "terminal.h"

#define MEMORY 0x80040000u /* free from here on: link.ld */
#define PARAMETER_TICKS (100 * TICKS_PER_MS) /* the host may change them: look this often */

static const struct server *running;
static u64 boot_time;

void print_pair(const char *label, u32 value, const char *unit) {
  print_padded(label, 20), print_number(value), print(unit), print("\n");
}

static void print_network(void) {
  char text[24], *end = text;
  for (int i = 0; i < 6; i++) end = put_hex(i ? put_text(end, ":") : end, net_mac[i], 2);
  print_padded("mac", 20), print(text), print("\n");
  end = text;
  for (int i = 0; i < 4; i++) end = put_number(i ? put_text(end, ".") : end, net_ip >> (24 - 8 * i) & 255);
  print_padded("ip", 20), print(text), print("\n");
  print_pair("port", running->tcp.port, "");
  print_pair("received", net_counters.received, " frames");
  print_pair("sent", net_counters.sent, " frames");
  print_pair("connections", tcp_counters.accepted, " since the start");
  print_pair("retransmitted", tcp_counters.retransmitted, " segments");
  tcp_print();
}

static void print_memory(void) {
  print_pair("memory", parameters.ram_octets / 1024, " KiB");
  print_pair("heap", heap_counters.size / 1024, " KiB");
  print_pair("heap in use", heap_counters.used / 1024, " KiB");
  print_pair("heap blocks", heap_counters.blocks, "");
}

static void do_help(void) {
  print(running->help);
  print("net        addresses, what came and went, who is connected\n"
        "free       memory and heap\n"
        "uptime     since the start\n"
        "poweroff   stop the machine\n"
        "Tab completes a command; the arrow keys, ^A ^E ^K ^U ^W ^L edit the line.\n");
}

static void command(char *line) {
  while (*line == ' ') line++;
  char *rest = line;
  while (*rest && *rest != ' ') rest++;
  if (*rest) *rest++ = 0;
  while (*rest == ' ') rest++;
  if (!*line || running->command(line, rest)) return;
  if (text_equal(line, "help")) do_help();
  else if (text_equal(line, "net")) print_network();
  else if (text_equal(line, "free")) print_memory();
  else if (text_equal(line, "uptime")) print_pair("up", (u32)((now() - boot_time) / TICKS_PER_SECOND), " s");
  else if (text_equal(line, "poweroff")) power_off();
  else print(line), print(": not a command; try help\n");
}

/* What may change while we run. */
static void read_parameters(void) {
  const volatile struct parameters *given = (const volatile struct parameters *)PARAMETERS_AT;
  if (given->magic != PARAMETERS_MAGIC) return;
  parameters.working_set_pages = given->working_set_pages;
  parameters.pages_per_second = given->pages_per_second;
  parameters.octets_per_page = given->octets_per_page;
  parameters.reads_per_second = given->reads_per_second;
  parameters.writes_per_second = given->writes_per_second;
}

void server_run(const struct server *server) {
  parameters_start();
  running = server;
  boot_time = now();
  console_start();
  server->start(MEMORY, 0x80000000u + parameters.ram_octets);
  interrupts_start();
  int has_network = net_start(parameters.ip);
  tcp_listen(&server->tcp);
  print("\n"), print(server->greeting), print(" on port "), print_number(server->tcp.port);
  print(has_network ? "\n" : " (no network)\n");
  print("Type help for the commands.\n\n");
  put_text(terminal_prompt, server->prompt);
  terminal_commands = server->commands;
  terminal_show_prompt();
  for (;;) {
    flush_translations();
    u64 time = now();
    read_parameters();
    terminal_read(command);
    net_poll();
    tcp_run(time);
    u64 next = server->work(time), latest = time + PARAMETER_TICKS;
    sleep_until(tcp_wake(next < latest ? next : latest));
  }
}
