/* TCP (RFC 9293) for a server: many connections to one port. Retransmission after RFC 6298, congestion control after
 * RFC 5681, resets after RFC 5961. Left out: active opens, urgent data, SACK, timestamps and window scale, delayed
 * acknowledgments (there is one after each batch of segments instead), and what comes out of order is not kept.
 * What leaves is in tcp-send.c, what arrives in tcp-receive.c. */
#include "tcp-connection.h"
#include "heap.h"

static const char *const state_names[] = {"CLOSED",     "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
                                          "CLOSE-WAIT", "CLOSING",      "LAST-ACK",    "TIME-WAIT"};

struct tcp_counters tcp_counters;
struct tcp_connection tcp_connections[TCP_CONNECTIONS];
const struct tcp_service *tcp_service;
struct random tcp_iss_stream;
u64 tcp_time;

void buffer_add(struct buffer *buffer, const void *octets, u32 length) {
  if (buffer->start + buffer->length + length > buffer->size) {
    memmove(buffer->octets, buffer->octets + buffer->start, buffer->length);
    buffer->start = 0;
  }
  memcpy(buffer->octets + buffer->start + buffer->length, octets, length);
  buffer->length += length;
}

void buffer_take(struct buffer *buffer, u32 length) {
  buffer->start += length, buffer->length -= length;
  if (!buffer->length) buffer->start = 0;
}

/* The service is told, and the memory given back. */
static void release(struct tcp_connection *c) {
  if (!c->sent.octets) return;
  heap_free(c->sent.octets);
  c->sent = c->received = (struct buffer){0};
  tcp_counters.open--;
  void *owner = c->owner;
  c->owner = 0;
  tcp_service->closed(owner);
}

void tcp_forget(struct tcp_connection *c) {
  c->state = CLOSED;
  release(c);
}

void tcp_enter_time_wait(struct tcp_connection *c) {
  c->state = TIME_WAIT;
  release(c);
  c->timer = tcp_time + TIME_WAIT_TICKS;
}

void tcp_set_timer(struct tcp_connection *c) {
  u32 rto = c->rto << c->retries;
  c->timer = tcp_time + (u64)(rto > RTO_MAX ? RTO_MAX : rto) * TICKS_PER_MS;
}

void tcp_listen(const struct tcp_service *listener) {
  tcp_service = listener;
  random_start(&tcp_iss_stream, 300);
  tcp_time = now();
  ip_tcp = tcp_segment_received;
}

void tcp_run(u64 time) {
  tcp_time = time;
  for EACH(c) {
    if (c->timer && c->state != CLOSED && c->timer <= time) tcp_timed_out(c);
    int is_served = c->state == ESTABLISHED || c->state == CLOSE_WAIT;
    if (c->changed && is_served) c->changed = 0, tcp_service->serve(c);
    if (c->state == SYN_RECEIVED || c->state == FIN_WAIT_2 || c->state == TIME_WAIT) {
      if (c->ack_now) tcp_send(c, c->snd_max, 0, 0);
    } else if (c->state != CLOSED)
      tcp_send_ready(c);
  }
}

u64 tcp_wake(u64 latest) {
  for EACH(c)
    if (c->state != CLOSED && c->timer && c->timer < latest) latest = c->timer;
  return latest;
}

void tcp_print(void) {
  for EACH(c) {
    if (c->state == CLOSED) continue;
    char text[40], *end = text;
    for (int i = 0; i < 4; i++) end = put_number(i ? put_text(end, ".") : end, c->ip >> (24 - 8 * i) & 255);
    put_number(put_text(end, ":"), c->port);
    print_padded(text, 24), print(state_names[c->state]), print("\n");
  }
}

const u8 *tcp_received(const struct tcp_connection *c, u32 *length) {
  *length = c->received.length;
  return c->received.octets + c->received.start;
}

void tcp_consume(struct tcp_connection *c, u32 length) {
  buffer_take(&c->received, length);
  if (tcp_edge_now(c) != c->rcv_adv && !c->peer_ended) c->ack_now = 1; /* tell of the room */
}

int tcp_peer_ended(const struct tcp_connection *c) { return c->peer_ended; }
u32 tcp_room(const struct tcp_connection *c) { return room_in(&c->sent); }
void **tcp_owner(struct tcp_connection *c) { return &c->owner; }

void tcp_write(struct tcp_connection *c, const void *octets, u32 length) {
  if (length > room_in(&c->sent)) panic("tcp: more written than there is room for");
  buffer_add(&c->sent, octets, length);
}

void tcp_end(struct tcp_connection *c) {
  c->fin_wanted = 1;
  c->state = c->state == CLOSE_WAIT ? LAST_ACK : FIN_WAIT_1;
  buffer_take(&c->received, c->received.length);
}

void tcp_abort(struct tcp_connection *c) {
  if (c->state == CLOSED) return;
  tcp_send(c, c->snd_max, 0, RST);
  tcp_counters.resets++;
  tcp_forget(c);
}
