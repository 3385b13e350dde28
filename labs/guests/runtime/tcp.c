/* TCP (RFC 9293) for a server: many connections to one port. Retransmission after RFC 6298, congestion control after
 * RFC 5681, resets after RFC 5961. Left out: active opens, urgent data, SACK, timestamps and window scale, delayed
 * acknowledgments (there is one after each batch of segments instead), and what comes out of order is not kept.
 * Sequence numbers are compared by their difference, which wraps as they do. */
#include "tcp.h"
#include "heap.h"
#include "ip.h"
#include "random.h"
#include "wire.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
#define HEADER 20u
#define OUR_MSS 1460u
#define DEFAULT_MSS 536u /* RFC 9293, 3.7.1 */
#define SMALLEST_MSS 64u /* less is an attack */

#define RTO_FIRST 1000u /* milliseconds */
#define RTO_MIN 200u
#define RTO_MAX 60000u
#define RETRIES_MAX 8u /* with a RTO of 200 ms: 100 s, as RFC 9293, 3.8.3 asks for */
#define SYN_RETRIES_MAX 5u
#define TIME_WAIT_TICKS (60ull * TICKS_PER_SECOND) /* twice the maximum segment lifetime; also the wait in FIN-WAIT-2 */
#define SILENCE_TICKS (60ull * TICKS_PER_SECOND) /* after this a connection may be closed for a new one's sake */

enum tcp_state { CLOSED, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT };
static const char *const state_names[] = {"CLOSED",     "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
                                          "CLOSE-WAIT", "CLOSING",      "LAST-ACK",    "TIME-WAIT"};

/* Octets that are added at the end and taken from the start; they stay in one piece. */
struct buffer {
  u8 *octets;
  u32 size, start, length;
};

struct tcp_connection {
  enum tcp_state state;
  u64 heard; /* when the peer last sent what fits */
  u32 ip, port;
  u8 mac[6];
  /* RFC 9293, 3.3.1. `snd_nxt` goes back on a timeout; `snd_max` does not. `sent` begins at `snd_una`. */
  u32 snd_una, snd_nxt, snd_max, snd_wnd, snd_wl1, snd_wl2, max_wnd, mss;
  u32 irs, rcv_nxt, rcv_adv; /* `rcv_adv`: the right edge of the window we told of */
  u32 cwnd, ssthresh, duplicates;
  u32 srtt, rttvar, rto, retries; /* milliseconds */
  u32 timed_seq; /* whose acknowledgment is timed, since `timed_at`; nothing when that is 0 */
  u64 timed_at, timer; /* 0: off */
  struct buffer sent, received;
  u8 fin_wanted, ack_now, peer_ended, changed;
  void *owner;
};

struct segment {
  const struct ip_packet *packet;
  u32 source_port, port, seq, ack, flags, window, mss, length;
  const u8 *data;
};

struct tcp_counters tcp_counters;
static struct tcp_connection connections[TCP_CONNECTIONS];
static const struct tcp_service *service;
static struct random iss_stream;
static u64 time_now;

#define EACH(c) (struct tcp_connection *c = connections; c < connections + TCP_CONNECTIONS; c++)

static u32 min(u32 a, u32 b) { return a < b ? a : b; }
static u32 max(u32 a, u32 b) { return a > b ? a : b; }
static int is_after(u32 a, u32 b) { return (int)(a - b) > 0; }

/* ---- buffers ---- */

static u32 room_in(const struct buffer *buffer) { return buffer->size - buffer->length; }

static void buffer_add(struct buffer *buffer, const void *octets, u32 length) {
  if (buffer->start + buffer->length + length > buffer->size) {
    memmove(buffer->octets, buffer->octets + buffer->start, buffer->length);
    buffer->start = 0;
  }
  memcpy(buffer->octets + buffer->start + buffer->length, octets, length);
  buffer->length += length;
}

static void buffer_take(struct buffer *buffer, u32 length) {
  buffer->start += length, buffer->length -= length;
  if (!buffer->length) buffer->start = 0;
}

/* ---- a connection's life ---- */

/* The service is told, and the memory given back. */
static void release(struct tcp_connection *c) {
  if (!c->sent.octets) return;
  heap_free(c->sent.octets);
  c->sent = c->received = (struct buffer){0};
  tcp_counters.open--;
  void *owner = c->owner;
  c->owner = 0;
  service->closed(owner);
}

static void forget(struct tcp_connection *c) {
  c->state = CLOSED;
  release(c);
}

static void enter_time_wait(struct tcp_connection *c) {
  c->state = TIME_WAIT;
  release(c);
  c->timer = time_now + TIME_WAIT_TICKS;
}

static void set_timer(struct tcp_connection *c) {
  u32 rto = c->rto << c->retries;
  c->timer = time_now + (u64)(rto > RTO_MAX ? RTO_MAX : rto) * TICKS_PER_MS;
}

/* ---- what leaves ---- */

/* A header with the checksum over it and `length` octets of data that stand behind it already. */
static void put_header(u8 *p, u32 peer, u32 header, u32 length) {
  p[12] = (u8)(header / 4 << 4);
  set16(p + 16, 0), set16(p + 18, 0);
  u32 sum = checksum_pseudo(peer, IP_TCP, header + length);
  set16(p + 16, checksum_end(checksum_add(sum, p, header + length)));
  tcp_counters.segments_out++;
}

/* The window's right edge moves by whole segments, so that the peer is not asked for small ones (RFC 9293, 3.8.6.2.2). */
static u32 edge_now(const struct tcp_connection *c) {
  u32 edge = c->rcv_nxt + (c->received.octets ? room_in(&c->received) : TCP_RECEIVE_OCTETS);
  return is_after(edge, c->rcv_adv + OUR_MSS - 1) ? edge : c->rcv_adv;
}

/* A segment with `length` octets from `seq` on. 0 if the device takes none now. */
static int send(struct tcp_connection *c, u32 seq, u32 length, u32 flags) {
  u8 *p = ip_begin();
  if (!p) return 0;
  u32 header = flags & SYN ? HEADER + 4 : HEADER;
  c->rcv_adv = edge_now(c);
  set16(p, service->port), set16(p + 2, c->port);
  set32(p + 4, seq), set32(p + 8, c->rcv_nxt);
  p[13] = (u8)(flags | ACK);
  set16(p + 14, c->rcv_adv - c->rcv_nxt);
  if (flags & SYN) p[20] = 2, p[21] = 4, set16(p + 22, OUR_MSS);
  if (length) memcpy(p + header, c->sent.octets + c->sent.start + (seq - c->snd_una), length);
  put_header(p, c->ip, header, length);
  ip_send(c->mac, c->ip, IP_TCP, header + length);
  c->ack_now = 0;
  return 1;
}

/* RFC 9293, 3.10.7.1: to who sent what belongs to no connection. */
static void refuse(const struct segment *s) {
  u8 *p = ip_begin();
  if (!p || s->flags & RST) return;
  u32 length = s->length + !!(s->flags & SYN) + !!(s->flags & FIN);
  set16(p, s->port), set16(p + 2, s->source_port);
  set32(p + 4, s->flags & ACK ? s->ack : 0);
  set32(p + 8, s->flags & ACK ? 0 : s->seq + length);
  p[13] = s->flags & ACK ? RST : RST | ACK;
  set16(p + 14, 0);
  put_header(p, s->packet->source, HEADER, 0);
  ip_send(s->packet->mac, s->packet->source, IP_TCP, HEADER);
  tcp_counters.resets++;
}

/* `length` octets of what is buffered, and our FIN, from SND.NXT on. */
static int send_next(struct tcp_connection *c, u32 length, int fin) {
  u32 in_flight = c->snd_nxt - c->snd_una;
  int is_last = in_flight + length == c->sent.length;
  if (!send(c, c->snd_nxt, length, (fin ? FIN : 0) | (length && is_last ? PSH : 0))) return 0;
  if (c->snd_nxt != c->snd_max) tcp_counters.retransmitted++, c->timed_at = 0; /* Karn's rule */
  else if (!c->timed_at) c->timed_at = time_now, c->timed_seq = c->snd_nxt;
  c->snd_nxt += length + (u32)fin;
  if (is_after(c->snd_nxt, c->snd_max)) c->snd_max = c->snd_nxt;
  if (!c->timer) set_timer(c);
  return 1;
}

/* Whatever the windows allow. Small segments leave only at the end of what there is, or if the peer's whole window is
 * small (RFC 9293, 3.8.6.2.1). */
static void send_ready(struct tcp_connection *c) {
  for (;;) {
    u32 in_flight = c->snd_nxt - c->snd_una, window = min(c->snd_wnd, c->cwnd);
    if (in_flight > c->sent.length) break; /* the FIN too */
    u32 unsent = c->sent.length - in_flight, usable = window > in_flight ? window - in_flight : 0;
    u32 length = min(min(unsent, usable), c->mss);
    if (length < unsent && length < c->mss && length < c->max_wnd / 2) break;
    int fin = c->fin_wanted && length == unsent && usable > length;
    if (!length && !fin) break;
    if (!send_next(c, length, fin)) break; /* go on when the device has room */
  }
  if ((c->sent.length || c->fin_wanted) && !c->timer) set_timer(c); /* a closed window is asked, too */
  if (c->ack_now) send(c, c->snd_max, 0, 0);
}

/* Nothing was acknowledged for too long: the first octets again. With a closed window this is the probe of RFC 9293,
 * 3.8.6.1. */
static void timed_out(struct tcp_connection *c) {
  c->timer = 0;
  if (c->state == TIME_WAIT || c->state == FIN_WAIT_2) {
    forget(c);
    return;
  }
  if (++c->retries > (c->state == SYN_RECEIVED ? SYN_RETRIES_MAX : RETRIES_MAX)) {
    tcp_abort(c);
    return;
  }
  set_timer(c);
  if (c->state == SYN_RECEIVED) {
    c->timed_at = 0;
    send(c, c->snd_una, 0, SYN);
    return;
  }
  u32 in_flight = c->snd_max - c->snd_una;
  if (in_flight) c->ssthresh = max(in_flight / 2, 2 * c->mss), c->cwnd = c->mss;
  c->snd_nxt = c->snd_una, c->duplicates = 0;
  u32 length = min(min(c->sent.length, c->mss), max(c->snd_wnd, 1));
  send_next(c, length, c->fin_wanted && length == c->sent.length);
}

/* ---- what arrives ---- */

static int read_segment(const struct ip_packet *packet, struct segment *s) {
  const u8 *p = packet->payload;
  if (packet->length < HEADER) return 0;
  u32 header = (u32)(p[12] >> 4) * 4;
  if (header < HEADER || header > packet->length) return 0;
  if (checksum_end(checksum_add(checksum_pseudo(packet->source, IP_TCP, packet->length), p, packet->length))) return 0;
  *s = (struct segment){packet, get16(p), get16(p + 2), get32(p + 4), get32(p + 8), p[13], get16(p + 14),
                        DEFAULT_MSS, packet->length - header, p + header};
  for (u32 at = HEADER; at < header && p[at];) {
    if (p[at] == 1) { /* no operation */
      at++;
      continue;
    }
    if (header - at < 2 || p[at + 1] < 2 || p[at + 1] > header - at) break;
    if (p[at] == 2 && p[at + 1] == 4) s->mss = get16(p + at + 2);
    at += p[at + 1];
  }
  return 1;
}

static struct tcp_connection *find(const struct segment *s) {
  for EACH(c)
    if (c->state != CLOSED && c->port == s->source_port && c->ip == s->packet->source && s->port == service->port) return c;
  return 0;
}

/* How willingly a connection's place is given to a new one: 0 is not at all. */
static int is_spare(const struct tcp_connection *c) {
  if (c->state == TIME_WAIT) return 3;
  if (c->state == SYN_RECEIVED) return 2;
  return time_now - c->heard > SILENCE_TICKS;
}

/* A free place, or that of the most spare connection, the one among them that was heard of longest ago. */
static struct tcp_connection *find_place(void) {
  struct tcp_connection *found = 0;
  for EACH(c) {
    if (c->state == CLOSED) return c;
    int spare = is_spare(c), best = found ? is_spare(found) : 0;
    if (spare > best || (spare && spare == best && c->heard < found->heard)) found = c;
  }
  if (found && found->state == TIME_WAIT) forget(found);
  else if (found) tcp_abort(found);
  return found;
}

static void accept(const struct segment *s) {
  struct tcp_connection *c = find_place();
  u8 *octets = c ? heap_alloc(TCP_SEND_OCTETS + TCP_RECEIVE_OCTETS) : 0;
  if (!octets) return; /* it will ask again */
  u32 iss = random_next(&iss_stream);
  *c = (struct tcp_connection){.state = SYN_RECEIVED,
                               .heard = time_now,
                               .ip = s->packet->source,
                               .port = s->source_port,
                               .snd_una = iss,
                               .snd_nxt = iss + 1,
                               .snd_max = iss + 1,
                               .snd_wnd = s->window,
                               .max_wnd = s->window,
                               .snd_wl1 = s->seq,
                               .mss = max(SMALLEST_MSS, min(s->mss, OUR_MSS)),
                               .irs = s->seq,
                               .rcv_nxt = s->seq + 1,
                               .rcv_adv = s->seq + 1,
                               .ssthresh = TCP_SEND_OCTETS,
                               .rto = RTO_FIRST,
                               .timed_seq = iss,
                               .timed_at = time_now,
                               .sent = {octets, TCP_SEND_OCTETS, 0, 0},
                               .received = {octets + TCP_SEND_OCTETS, TCP_RECEIVE_OCTETS, 0, 0}};
  c->cwnd = min(10 * c->mss, max(2 * c->mss, 14600)); /* RFC 6928 */
  memcpy(c->mac, s->packet->mac, 6);
  tcp_counters.accepted++, tcp_counters.open++;
  set_timer(c);
  send(c, iss, 0, SYN);
}

/* RFC 6298, 2. */
static void measure(struct tcp_connection *c) {
  u32 rtt = max(1, (u32)(time_now - c->timed_at) / TICKS_PER_MS);
  c->timed_at = 0;
  if (!c->srtt) {
    c->srtt = rtt, c->rttvar = rtt / 2;
  } else {
    u32 error = rtt > c->srtt ? rtt - c->srtt : c->srtt - rtt;
    c->rttvar = (3 * c->rttvar + error) / 4, c->srtt = (7 * c->srtt + rtt) / 8;
  }
  c->rto = min(RTO_MAX, max(RTO_MIN, c->srtt + max(1, 4 * c->rttvar)));
}

/* SND.UNA moves up to `ack`. */
static void acknowledged(struct tcp_connection *c, u32 ack) {
  u32 octets = ack - c->snd_una;
  if (c->timed_at && is_after(ack, c->timed_seq)) measure(c);
  if (c->state == SYN_RECEIVED) c->state = ESTABLISHED, octets--;
  c->cwnd += c->cwnd < c->ssthresh ? min(octets, c->mss) : max(1, c->mss * c->mss / c->cwnd);
  c->cwnd = min(c->cwnd, 2 * TCP_SEND_OCTETS);
  int fin = octets > c->sent.length; /* the last octet was our FIN */
  buffer_take(&c->sent, octets - (u32)fin);
  c->snd_una = ack, c->retries = 0, c->duplicates = 0, c->changed = 1;
  if (is_after(ack, c->snd_nxt)) c->snd_nxt = ack;
  c->timer = 0;
  if (c->snd_max != ack) set_timer(c);
  if (!fin) return;
  c->fin_wanted = 0;
  if (c->state == FIN_WAIT_1) c->state = FIN_WAIT_2, c->timer = time_now + TIME_WAIT_TICKS;
  else if (c->state == CLOSING) enter_time_wait(c);
  else if (c->state == LAST_ACK) forget(c);
}

/* RFC 5681, 3.2: three of a kind mean that the segment they ask for is lost. */
static void acknowledged_again(struct tcp_connection *c) {
  if (++c->duplicates != 3) return;
  c->ssthresh = max((c->snd_max - c->snd_una) / 2, 2 * c->mss), c->cwnd = c->ssthresh;
  u32 next = c->snd_nxt;
  c->snd_nxt = c->snd_una;
  u32 length = min(c->sent.length, c->mss);
  send_next(c, length, c->fin_wanted && length == c->sent.length);
  if (is_after(next, c->snd_nxt)) c->snd_nxt = next;
}

static int is_acceptable(const struct tcp_connection *c, const struct segment *s) {
  u32 window = c->rcv_adv - c->rcv_nxt, length = s->length + !!(s->flags & FIN) + !!(s->flags & SYN);
  u32 first = s->seq - c->rcv_nxt, last = first + length - 1;
  if (!length || !first) return first <= window; /* at the right edge itself is what a peer that filled the window sends */
  return first < window || last < window;
}

/* Returns 0 when the segment was answered and nothing else of it counts. */
static int take_ack(struct tcp_connection *c, const struct segment *s) {
  if (c->state == SYN_RECEIVED && s->ack != c->snd_max) {
    refuse(s);
    return 0;
  }
  int is_old = is_after(c->snd_una, s->ack);
  if (is_after(s->ack, c->snd_max) || (is_old && c->snd_una - s->ack > c->max_wnd)) { /* RFC 5961, 5.2 */
    c->ack_now = 1;
    return 0;
  }
  if (is_old) return 1;
  int is_duplicate = s->ack == c->snd_una && !s->length && s->window == c->snd_wnd && c->snd_max != c->snd_una && !(s->flags & FIN);
  if (is_after(s->ack, c->snd_una)) acknowledged(c, s->ack);
  else if (is_duplicate && c->snd_wnd) acknowledged_again(c);
  if (c->state == CLOSED) return 0;
  if (is_after(s->seq, c->snd_wl1) || (s->seq == c->snd_wl1 && !is_after(c->snd_wl2, s->ack))) {
    if (!c->snd_wnd && s->window) c->snd_nxt = c->snd_una, c->retries = 0, c->timer = 0; /* what probes carried was thrown away */
    c->snd_wnd = s->window, c->max_wnd = max(c->max_wnd, s->window);
    c->snd_wl1 = s->seq, c->snd_wl2 = s->ack;
  }
  if (!c->snd_wnd) c->retries = min(c->retries, RETRIES_MAX - 1); /* it answers our probes: that may go on for ever */
  return 1;
}

static void take_data(struct tcp_connection *c, const struct segment *s) {
  if (is_after(s->seq, c->rcv_nxt)) { /* something is missing in front of it */
    c->ack_now |= s->length || s->flags & FIN;
    return;
  }
  if (c->peer_ended || (!s->length && !(s->flags & FIN))) return;
  u32 known = min(c->rcv_nxt - s->seq, s->length), fresh = s->length - known, window = c->rcv_adv - c->rcv_nxt;
  u32 length = min(fresh, window);
  if (c->state == ESTABLISHED) {
    length = min(length, room_in(&c->received));
    buffer_add(&c->received, s->data + known, length);
  }
  c->rcv_nxt += length;
  c->ack_now = c->changed = 1;
  if (!(s->flags & FIN) || length < fresh) return;
  c->rcv_nxt++;
  if (is_after(c->rcv_nxt, c->rcv_adv)) c->rcv_adv = c->rcv_nxt;
  c->peer_ended = 1;
  if (c->state == ESTABLISHED) c->state = CLOSE_WAIT;
  else if (c->state == FIN_WAIT_1) c->state = CLOSING;
  else if (c->state == FIN_WAIT_2) enter_time_wait(c);
}

/* RFC 9293, 3.10.7.4. */
static void arrives(struct tcp_connection *c, const struct segment *s) {
  if (!is_acceptable(c, s)) {
    if (s->flags & RST) return;
    if (c->state == SYN_RECEIVED && s->flags & SYN && s->seq == c->irs) send(c, c->snd_una, 0, SYN);
    else c->ack_now = 1;
    return;
  }
  if (s->flags & RST) { /* RFC 5961: only the very next octet's number is believed */
    if (s->seq == c->rcv_nxt) forget(c);
    else c->ack_now = 1;
    return;
  }
  if (s->flags & SYN) {
    c->ack_now = 1;
    return;
  }
  if (!(s->flags & ACK) || !take_ack(c, s)) return;
  c->heard = time_now;
  memcpy(c->mac, s->packet->mac, 6); /* who sends what fits may have a new card */
  take_data(c, s);
}

static void segment_received(const struct ip_packet *packet) {
  struct segment s;
  if (!read_segment(packet, &s)) return;
  time_now = now();
  tcp_counters.segments_in++;
  struct tcp_connection *c = find(&s);
  int is_opening = (s.flags & (SYN | ACK | RST)) == SYN;
  if (c && c->state == TIME_WAIT && is_opening && is_after(s.seq, c->rcv_nxt)) forget(c), c = 0;
  if (c) arrives(c, &s);
  else if (is_opening && s.port == service->port) accept(&s);
  else refuse(&s);
}

/* ---- for the service and the main loop ---- */

void tcp_listen(const struct tcp_service *listener) {
  service = listener;
  random_start(&iss_stream, 300);
  time_now = now();
  ip_tcp = segment_received;
}

void tcp_run(u64 time) {
  time_now = time;
  for EACH(c) {
    if (c->timer && c->state != CLOSED && c->timer <= time) timed_out(c);
    if (c->changed && !c->fin_wanted && (c->state == ESTABLISHED || c->state == CLOSE_WAIT)) c->changed = 0, service->serve(c);
    if (c->state == SYN_RECEIVED || c->state == FIN_WAIT_2 || c->state == TIME_WAIT) {
      if (c->ack_now) send(c, c->snd_max, 0, 0);
    } else if (c->state != CLOSED)
      send_ready(c);
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
  if (edge_now(c) != c->rcv_adv && !c->peer_ended) c->ack_now = 1; /* tell of the room */
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
  send(c, c->snd_max, 0, RST);
  tcp_counters.resets++;
  forget(c);
}
