/* A key-value store that speaks Redis's protocol, holds customers with their cards, and is busy with itself. */
#include "../runtime/heap.h"
#include "../runtime/parameters.h"
#include "../runtime/server.h"
#include "../runtime/workload.h"
#include "commands.h"
#include "load.h"
#include "store.h"

struct parameters parameters = DEFAULT_PARAMETERS;

/* What is still to be said to one who asked; nobody is asked again before it is said. */
struct client {
  struct resp_reply reply;
  u32 said;
  int is_last; /* close after it */
};

static void client_closed(void *owner) {
  struct client *client = owner;
  if (client) heap_free(client->reply.octets);
  heap_free(client);
}

/* Returns whether all was said. */
static int say(struct tcp_connection *connection, struct client *client) {
  u32 left = client->reply.length - client->said, room = tcp_room(connection), length = left < room ? left : room;
  tcp_write(connection, client->reply.octets + client->said, length);
  client->said += length;
  if (length < left) return 0;
  heap_free(client->reply.octets);
  client->reply = (struct resp_reply){0}, client->said = 0;
  return 1;
}

static struct client *client_of(struct tcp_connection *connection) {
  void **owner = tcp_owner(connection);
  if (!*owner && (*owner = heap_alloc(sizeof(struct client)))) memset(*owner, 0, sizeof(struct client));
  return *owner;
}

static void answer(struct client *client, const struct resp_request *request) {
  if (request->error[0]) {
    reply_line(&client->reply, request->error);
    client->is_last = 1;
  } else if (request->count) {
    client->is_last = command_run(request, &client->reply);
  }
}

static void serve(struct tcp_connection *connection) {
  struct client *client = client_of(connection);
  while (client && say(connection, client)) {
    u32 length;
    const char *octets = (const char *)tcp_received(connection, &length);
    struct resp_request request;
    u32 taken = client->is_last ? 0 : resp_read(octets, length, &request);
    if (!taken) {
      if (client->is_last || tcp_peer_ended(connection)) tcp_end(connection);
      return;
    }
    answer(client, &request);
    tcp_consume(connection, taken);
    if (client->reply.is_broken) break;
  }
  if (!client || client->reply.is_broken) tcp_abort(connection); /* no memory to answer with */
}

static void start(u32 from, u32 to) {
  u32 half = (to - from) / 2 & ~(PAGE - 1), fill = parameters.fill_octets & ~(PAGE - 1);
  if (fill > half) fill = half;
  heap_start(from, to - fill);
  fill_pages(to - fill, to);
  if (!store_start()) panic("kv: no memory for its table");
  load_start(now());
}

static int command(const char *word, const char *rest) {
  (void)rest;
  if (!text_equal(word, "stats")) return 0;
  print_pair("keys", store_count, "");
  print_pair("customers", CUSTOMERS, "");
  print_pair("commands", command_counters.commands, "");
  print_pair("hits", command_counters.hits, "");
  print_pair("misses", command_counters.misses, "");
  print_pair("reads of the load", load_counters.reads, ""), print_pair("a second", parameters.reads_per_second, "");
  print_pair("writes of the load", load_counters.writes, ""), print_pair("a second", parameters.writes_per_second, "");
  return 1;
}

int main(void) {
  static const char *const commands[] = {"stats", SERVER_COMMANDS};
  static const struct server kv = {.greeting = "kv, a key-value store",
                                   .prompt = "kv> ",
                                   .tcp = {6379, serve, client_closed},
                                   .start = start,
                                   .command = command,
                                   .commands = commands,
                                   .help = "stats      keys, commands, and the load of its own\n",
                                   .work = load_run};
  server_run(&kv);
}
