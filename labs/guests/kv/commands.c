/* Redis's commands, as far as this store has them, with Redis's answers. */
#include "commands.h"
#include "../runtime/heap.h"
#include "load.h"
#include "../runtime/tcp.h"
#include "store.h"

typedef const struct resp_text *arguments;
#define OUT_OF_MEMORY "-OOM command not allowed when used memory > 'maxmemory'."

struct command_counters command_counters;
static u64 start_time;

static char upper(char letter) { return letter >= 'a' && letter <= 'z' ? (char)(letter - 32) : letter; }

static struct entry *look_up(struct resp_text key) {
  struct entry *entry = store_find(key.at, key.length);
  if (entry) command_counters.hits++, entry->reads++;
  else command_counters.misses++;
  return entry;
}

static void do_ping(struct resp_reply *reply, arguments a, u32 count) {
  if (count > 1) reply_bulk(reply, a[1].at, a[1].length);
  else reply_line(reply, "+PONG");
}

static void do_echo(struct resp_reply *reply, arguments a, u32 count) {
  (void)count;
  reply_bulk(reply, a[1].at, a[1].length);
}

static void do_get(struct resp_reply *reply, arguments a, u32 count) {
  (void)count;
  const struct entry *entry = look_up(a[1]);
  if (entry) reply_bulk(reply, entry_value(entry), entry->value_length);
  else reply_line(reply, "$-1");
}

static void do_set(struct resp_reply *reply, arguments a, u32 count) {
  if (count > 3) reply_line(reply, "-ERR syntax error"); /* no times, no conditions */
  else reply_line(reply, store_set(a[1].at, a[1].length, a[2].at, a[2].length) ? "+OK" : OUT_OF_MEMORY);
}

static void do_del(struct resp_reply *reply, arguments a, u32 count) {
  u32 deleted = 0;
  for (u32 i = 1; i < count; i++) deleted += (u32)store_delete(a[i].at, a[i].length);
  reply_number(reply, ':', deleted);
}

static void do_exists(struct resp_reply *reply, arguments a, u32 count) {
  u32 found = 0;
  for (u32 i = 1; i < count; i++) found += look_up(a[i]) != 0;
  reply_number(reply, ':', found);
}

/* A whole number of 64 bits as Redis writes it: no sign +, no zeros or blanks in front. */
static int read_integer(const char *at, u32 length, long long *value) {
  int is_negative = length && *at == '-';
  u32 i = (u32)is_negative;
  u64 limit = 0x7fffffffffffffffull + (u64)is_negative, magnitude = 0;
  if (i == length || length > 20 || (at[i] == '0' && length > 1)) return 0;
  for (; i < length; i++) {
    if (at[i] < '0' || at[i] > '9') return 0;
    u32 digit = (u32)(at[i] - '0');
    if (magnitude > (limit - digit) / 10) return 0;
    magnitude = magnitude * 10 + digit;
  }
  *value = (long long)(is_negative ? 0 - magnitude : magnitude);
  return 1;
}

static void do_incr(struct resp_reply *reply, arguments a, u32 count) {
  (void)count;
  const struct entry *entry = look_up(a[1]);
  long long value = 0;
  if (entry && !read_integer(entry_value(entry), entry->value_length, &value)) {
    reply_line(reply, "-ERR value is not an integer or out of range");
    return;
  }
  if (value == 0x7fffffffffffffffll) {
    reply_line(reply, "-ERR increment or decrement would overflow");
    return;
  }
  char octets[32];
  struct resp_reply text = {octets, 0, sizeof octets, 0};
  reply_number(&text, ':', ++value);
  int is_set = store_set(a[1].at, a[1].length, octets + 1, text.length - 3);
  if (is_set) reply_octets(reply, octets, text.length);
  else reply_line(reply, OUT_OF_MEMORY);
}

/* Where * stands for any octets. After a mismatch the last * takes one octet more. */
static int matches(struct resp_text pattern, const char *key, u32 length) {
  u32 p = 0, k = 0, star = pattern.length, resume = 0;
  while (k < length) {
    if (p < pattern.length && pattern.at[p] == '*') star = p++, resume = k;
    else if (p < pattern.length && pattern.at[p] == key[k]) p++, k++;
    else if (star < pattern.length) p = star + 1, k = ++resume;
    else return 0;
  }
  while (p < pattern.length && pattern.at[p] == '*') p++;
  return p == pattern.length;
}

static void do_keys(struct resp_reply *reply, arguments a, u32 count) {
  (void)count;
  u32 found = 0;
  for (const struct entry *entry = 0; (entry = store_next(entry));) found += (u32)matches(a[1], entry->octets, entry->key_length);
  reply_number(reply, '*', found);
  for (const struct entry *entry = 0; (entry = store_next(entry));)
    if (matches(a[1], entry->octets, entry->key_length)) reply_bulk(reply, entry->octets, entry->key_length);
}

static void do_dbsize(struct resp_reply *reply, arguments a, u32 count) {
  (void)a, (void)count;
  reply_number(reply, ':', store_count);
}

static char *put_line(char *to, const char *name, u32 value) { return put_text(put_number(put_text(to, name), value), "\r\n"); }

static void do_info(struct resp_reply *reply, arguments a, u32 count) {
  (void)a, (void)count;
  char text[512], *end = put_text(text, "# Server\r\nredis_mode:standalone\r\n");
  end = put_line(end, "uptime_in_seconds:", (u32)((now() - start_time) / TICKS_PER_SECOND));
  end = put_line(put_text(end, "# Clients\r\n"), "connected_clients:", tcp_counters.open);
  end = put_line(put_text(end, "# Memory\r\n"), "used_memory:", heap_counters.used);
  end = put_line(end, "maxmemory:", store_limit);
  end = put_line(put_text(end, "# Stats\r\n"), "total_connections_received:", tcp_counters.accepted);
  end = put_line(end, "total_commands_processed:", command_counters.commands);
  end = put_line(end, "keyspace_hits:", command_counters.hits);
  end = put_line(end, "keyspace_misses:", command_counters.misses);
  end = put_line(put_text(end, "# Load\r\n"), "load_reads:", load_counters.reads);
  end = put_line(end, "load_writes:", load_counters.writes);
  end = put_text(put_number(put_text(end, "# Keyspace\r\ndb0:keys="), store_count), ",expires=0,avg_ttl=0\r\n");
  reply_bulk(reply, text, (u32)(end - text));
}

static void do_command(struct resp_reply *reply, arguments a, u32 count) {
  (void)a, (void)count;
  reply_line(reply, "*0");
}

static void do_quit(struct resp_reply *reply, arguments a, u32 count) {
  (void)a, (void)count;
  reply_line(reply, "+OK");
}

static const struct command {
  const char *name; /* as in an error */
  u32 least, most;  /* arguments, with the name */
  void (*run)(struct resp_reply *reply, arguments a, u32 count);
} commands[] = {{"get", 2, 2, do_get},        {"set", 3, RESP_ARGUMENTS_MAX, do_set},       {"del", 2, RESP_ARGUMENTS_MAX, do_del},
                {"incr", 2, 2, do_incr},      {"exists", 2, RESP_ARGUMENTS_MAX, do_exists}, {"ping", 1, 2, do_ping},
                {"echo", 2, 2, do_echo},      {"keys", 2, 2, do_keys},                      {"dbsize", 1, 1, do_dbsize},
                {"info", 1, RESP_ARGUMENTS_MAX, do_info},
                {"command", 1, RESP_ARGUMENTS_MAX, do_command},
                {"quit", 1, RESP_ARGUMENTS_MAX, do_quit}};

static const struct command *find(struct resp_text name) {
  for (u32 i = 0; i < sizeof commands / sizeof *commands; i++) {
    const char *known = commands[i].name;
    u32 at = 0;
    while (at < name.length && known[at] && upper(name.at[at]) == upper(known[at])) at++;
    if (at == name.length && !known[at]) return &commands[i];
  }
  return 0;
}

/* Somebody else's octets inside a line: at most `most`, and nothing that would end the line. */
static void reply_quoted(struct resp_reply *reply, struct resp_text text, u32 most) {
  reply_text(reply, "'");
  for (u32 i = 0; i < text.length && i < most; i++)
    reply_octets(reply, text.at[i] == '\r' || text.at[i] == '\n' ? " " : text.at + i, 1);
  reply_text(reply, "'");
}

static void reply_unknown(struct resp_reply *reply, const struct resp_request *request) {
  reply_text(reply, "-ERR unknown command ");
  reply_quoted(reply, request->arguments[0], 128);
  reply_text(reply, ", with args beginning with: ");
  for (u32 i = 1, left = 128; i < request->count && left; i++) {
    reply_quoted(reply, request->arguments[i], left);
    reply_text(reply, " ");
    left -= request->arguments[i].length < left ? request->arguments[i].length : left;
  }
  reply_line(reply, "");
}

int command_run(const struct resp_request *request, struct resp_reply *reply) {
  if (!start_time) start_time = now();
  command_counters.commands++;
  const struct command *command = find(request->arguments[0]);
  if (!command) {
    reply_unknown(reply, request);
  } else if (request->count < command->least || request->count > command->most) {
    reply_text(reply, "-ERR wrong number of arguments for '");
    reply_text(reply, command->name);
    reply_line(reply, "' command");
  } else {
    command->run(reply, request->arguments, request->count);
  }
  return command && command->run == do_quit;
}
