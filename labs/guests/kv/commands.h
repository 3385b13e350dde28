#ifndef COMMANDS_H
#define COMMANDS_H
#include "resp.h"

struct command_counters {
  u32 commands, hits, misses;
};
extern struct command_counters command_counters;

/* Carry out a request and put the answer into `reply`. Returns whether the connection is to be closed after it. */
int command_run(const struct resp_request *request, struct resp_reply *reply);

#endif
