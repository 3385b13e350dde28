/* What arrives of TCP (RFC 9293, 3.10.7): whose it is, whether it fits, what it acknowledges, what it carries. */
#include "heap.h"
#include "tcp-connection.h"

#define DEFAULT_MSS 536u /* RFC 9293, 3.7.1 */
#define SMALLEST_MSS 64u /* less is an attack */
#define RTO_FIRST 1000u /* milliseconds */
#define RTO_MIN 200u
#define SILENCE_TICKS (60ull * TICKS_PER_SECOND) /* after this a connection may be closed for a new one's sake */

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
    if (c->state != CLOSED && c->port == s->source_port && c->ip == s->packet->source) return s->port == tcp_service->port ? c : 0;
  return 0;
}

/* How willingly a connection's place is given to a new one: 0 is not at all. */
static int is_spare(const struct tcp_connection *c) {
  if (c->state == TIME_WAIT) return 3;
  if (c->state == SYN_RECEIVED) return 2;
  return tcp_time - c->heard > SILENCE_TICKS;
}

/* Close the most spare connection, the one among them that was heard of longest ago; of those with buffers, if it is for
 * their memory. Returns its place, or 0. */
static struct tcp_connection *give_up_one(int for_memory) {
  struct tcp_connection *found = 0;
  for EACH(c) {
    if (c->state == CLOSED || (for_memory && !c->sent.octets)) continue;
    int spare = is_spare(c), best = found ? is_spare(found) : 0;
    if (spare > best || (spare && spare == best && c->heard < found->heard)) found = c;
  }
  if (found && found->state == TIME_WAIT) tcp_forget(found);
  else if (found) tcp_abort(found);
  return found;
}

static struct tcp_connection *find_place(void) {
  for EACH(c)
    if (c->state == CLOSED) return c;
  return give_up_one(0);
}

static u8 *find_memory(void) {
  u8 *octets = heap_alloc(TCP_SEND_OCTETS + TCP_RECEIVE_OCTETS);
  return octets || !give_up_one(1) ? octets : heap_alloc(TCP_SEND_OCTETS + TCP_RECEIVE_OCTETS);
}

static void accept(const struct segment *s) {
  struct tcp_connection *c = find_place();
  u8 *octets = c ? find_memory() : 0;
  if (!octets) return; /* it will ask again */
  u32 iss = random_next(&tcp_iss_stream);
  *c = (struct tcp_connection){.state = SYN_RECEIVED,
                               .heard = tcp_time,
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
                               .timed_at = tcp_time,
                               .sent = {octets, TCP_SEND_OCTETS, 0, 0},
                               .received = {octets + TCP_SEND_OCTETS, TCP_RECEIVE_OCTETS, 0, 0}};
  c->cwnd = min(10 * c->mss, max(2 * c->mss, 14600)); /* RFC 6928 */
  memcpy(c->mac, s->packet->mac, 6);
  tcp_counters.accepted++, tcp_counters.open++;
  tcp_set_timer(c);
  tcp_send(c, iss, 0, SYN);
}

/* RFC 6298, 2. */
static void measure(struct tcp_connection *c) {
  u32 rtt = max(1, (u32)(tcp_time - c->timed_at) / TICKS_PER_MS);
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
  if (c->snd_max != ack) tcp_set_timer(c);
  if (!fin) return;
  c->fin_wanted = 0;
  if (c->state == FIN_WAIT_1) c->state = FIN_WAIT_2, c->timer = tcp_time + TIME_WAIT_TICKS;
  else if (c->state == CLOSING) tcp_enter_time_wait(c);
  else if (c->state == LAST_ACK) tcp_forget(c);
}

/* RFC 5681, 3.2: three of a kind mean that the segment they ask for is lost. */
static void acknowledged_again(struct tcp_connection *c) {
  if (++c->duplicates != 3) return;
  c->ssthresh = max((c->snd_max - c->snd_una) / 2, 2 * c->mss), c->cwnd = c->ssthresh;
  u32 next = c->snd_nxt;
  c->snd_nxt = c->snd_una;
  u32 length = min(c->sent.length, c->mss);
  tcp_send_next(c, length, c->fin_wanted && length == c->sent.length);
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
    tcp_refuse(s);
    return 0;
  }
  int is_old = is_after(c->snd_una, s->ack);
  if (is_after(s->ack, c->snd_max) || (is_old && c->snd_una - s->ack > c->max_wnd)) { /* RFC 5961, 5.2 */
    c->ack_now = 1;
    return 0;
  }
  if (is_old) return 1;
  int is_duplicate = s->ack == c->snd_una && c->snd_max != c->snd_una && !s->length && !(s->flags & FIN) && s->window == c->snd_wnd;
  if (is_after(s->ack, c->snd_una)) acknowledged(c, s->ack);
  else if (is_duplicate && c->snd_wnd) acknowledged_again(c);
  if (c->state == CLOSED) return 0;
  if (is_after(s->seq, c->snd_wl1) || (s->seq == c->snd_wl1 && !is_after(c->snd_wl2, s->ack))) {
    int opens = !c->snd_wnd && s->window && c->state != FIN_WAIT_2 && c->state != TIME_WAIT;
    if (opens) c->snd_nxt = c->snd_una, c->retries = 0, c->timer = 0; /* what probes carried was thrown away */
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
  else if (c->state == FIN_WAIT_2) tcp_enter_time_wait(c);
}

/* RFC 9293, 3.10.7.4. */
static void arrives(struct tcp_connection *c, const struct segment *s) {
  if (!is_acceptable(c, s)) {
    if (s->flags & RST) return;
    if (c->state == SYN_RECEIVED && s->flags & SYN && s->seq == c->irs) tcp_send(c, c->snd_una, 0, SYN);
    else c->ack_now = 1;
    return;
  }
  if (s->flags & RST) { /* RFC 5961: only the very next octet's number is believed */
    if (s->seq == c->rcv_nxt) tcp_forget(c);
    else c->ack_now = 1;
    return;
  }
  if (s->flags & SYN) {
    c->ack_now = 1;
    return;
  }
  if (!(s->flags & ACK) || !take_ack(c, s)) return;
  c->heard = tcp_time;
  memcpy(c->mac, s->packet->mac, 6); /* who sends what fits may have a new card */
  take_data(c, s);
}

void tcp_segment_received(const struct ip_packet *packet) {
  struct segment s;
  if (!read_segment(packet, &s)) return;
  tcp_time = now();
  tcp_counters.segments_in++;
  struct tcp_connection *c = find(&s);
  int is_opening = (s.flags & (SYN | ACK | RST)) == SYN;
  if (c && c->state == TIME_WAIT && is_opening && is_after(s.seq, c->rcv_nxt)) tcp_forget(c), c = 0;
  if (c) arrives(c, &s);
  else if (is_opening && s.port == tcp_service->port) accept(&s);
  else tcp_refuse(&s);
}
