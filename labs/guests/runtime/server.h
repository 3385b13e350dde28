/* What web and kv have in common: the start, the console, the network, and the loop around them. */
#ifndef SERVER_H
#define SERVER_H
#include "tcp.h"

struct server {
  const char *greeting; /* what the console says at the start */
  const char *prompt;
  struct tcp_service tcp;
  /* Memory from `from` to `to` is the server's: it starts its heap there. */
  void (*start)(u32 from, u32 to);
  /* A line typed on the console, cut into a word and the rest. Returns 0 if there is no such command. */
  int (*command)(const char *word, const char *rest);
  /* All commands' names, ended by 0, for Tab; and for help, a line for each that is not every server's own. */
  const char *const *commands;
  const char *help;
  /* Work that nobody asks for. Returns when there is more. */
  u64 (*work)(u64 time);
};

void server_run(const struct server *server) __attribute__((noreturn));

/* The names of the commands that every server has. */
#define SERVER_COMMANDS "help", "net", "free", "uptime", "poweroff", 0

void print_pair(const char *label, u32 value, const char *unit);

#endif
