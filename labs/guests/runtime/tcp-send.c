/* What leaves of TCP: segments, resets, repetitions. */
#include "tcp-connection.h"

#define SYN_RETRIES_MAX 5u

/* A header with the checksum over it and `length` octets of data that stand behind it already. */
static void put_header(u8 *p, u32 peer, u32 header, u32 length) {
  p[12] = (u8)(header / 4 << 4);
  set16(p + 16, 0), set16(p + 18, 0);
  u32 sum = checksum_pseudo(peer, IP_TCP, header + length);
  set16(p + 16, checksum_end(checksum_add(sum, p, header + length)));
  tcp_counters.segments_out++;
}

/* The window's right edge moves by whole segments, so that the peer is not asked for small ones (RFC 9293, 3.8.6.2.2). */
u32 tcp_edge_now(const struct tcp_connection *c) {
  u32 edge = c->rcv_nxt + (c->received.octets ? room_in(&c->received) : TCP_RECEIVE_OCTETS);
  return is_after(edge, c->rcv_adv + OUR_MSS - 1) ? edge : c->rcv_adv;
}

int tcp_send(struct tcp_connection *c, u32 seq, u32 length, u32 flags) {
  u8 *p = ip_begin();
  if (!p) return 0;
  u32 header = flags & SYN ? HEADER + 4 : HEADER;
  c->rcv_adv = tcp_edge_now(c);
  set16(p, tcp_service->port), set16(p + 2, c->port);
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
void tcp_refuse(const struct segment *s) {
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

int tcp_send_next(struct tcp_connection *c, u32 length, int fin) {
  u32 in_flight = c->snd_nxt - c->snd_una;
  int is_last = in_flight + length == c->sent.length;
  if (!tcp_send(c, c->snd_nxt, length, (fin ? FIN : 0) | (length && is_last ? PSH : 0))) return 0;
  if (c->snd_nxt != c->snd_max) tcp_counters.retransmitted++, c->timed_at = 0; /* Karn's rule */
  else if (!c->timed_at) c->timed_at = tcp_time, c->timed_seq = c->snd_nxt;
  c->snd_nxt += length + (u32)fin;
  if (is_after(c->snd_nxt, c->snd_max)) c->snd_max = c->snd_nxt;
  if (!c->timer) tcp_set_timer(c);
  return 1;
}

/* Whatever the windows allow. Small segments leave only at the end of what there is, or if the peer's whole window is
 * small (RFC 9293, 3.8.6.2.1). */
void tcp_send_ready(struct tcp_connection *c) {
  for (;;) {
    u32 in_flight = c->snd_nxt - c->snd_una, window = min(c->snd_wnd, c->cwnd);
    if (in_flight > c->sent.length) break; /* the FIN too */
    u32 unsent = c->sent.length - in_flight, usable = window > in_flight ? window - in_flight : 0;
    u32 length = min(min(unsent, usable), c->mss);
    if (length < unsent && length < c->mss && length < c->max_wnd / 2) break;
    int fin = c->fin_wanted && length == unsent && usable > length;
    if (!length && !fin) break;
    if (!tcp_send_next(c, length, fin)) break; /* go on when the device has room */
  }
  if ((c->sent.length || c->fin_wanted) && !c->timer) tcp_set_timer(c); /* a closed window is asked, too */
  if (c->ack_now) tcp_send(c, c->snd_max, 0, 0);
}

/* Nothing was acknowledged for too long: the first octets again. With a closed window this is the probe of RFC 9293,
 * 3.8.6.1. */
void tcp_timed_out(struct tcp_connection *c) {
  c->timer = 0;
  if (c->state == TIME_WAIT || c->state == FIN_WAIT_2) {
    tcp_forget(c);
    return;
  }
  if (++c->retries > (c->state == SYN_RECEIVED ? SYN_RETRIES_MAX : RETRIES_MAX)) {
    tcp_abort(c);
    return;
  }
  tcp_set_timer(c);
  if (c->state == SYN_RECEIVED) {
    c->timed_at = 0;
    tcp_send(c, c->snd_una, 0, SYN);
    return;
  }
  u32 in_flight = c->snd_max - c->snd_una;
  if (in_flight) c->ssthresh = max(in_flight / 2, 2 * c->mss), c->cwnd = c->mss;
  c->snd_nxt = c->snd_una, c->duplicates = 0;
  u32 length = min(min(c->sent.length, c->mss), max(c->snd_wnd, 1));
  tcp_send_next(c, length, c->fin_wanted && length == c->sent.length);
}
