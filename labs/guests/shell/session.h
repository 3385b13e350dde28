/* Who is logged in at the console, and the commands for them. */
#ifndef SESSION_H
#define SESSION_H
#include "../runtime/board.h"

#define NOBODY 0xffffffffu

struct session {
  char user[24];
  u32 uid;
  int is_over; /* `exit` was typed */
};
extern struct session session;

/* The counter line. */
extern int tick_on;
extern u32 ticks;
extern u64 boot_time;

/* What Tab completes, ended by 0. */
extern const char *const command_names[];
/* Run what was typed; changes `line`. */
void command(char *line);

#endif
