/* Shared by tcp.c, tcp-send.c and tcp-receive.c: a connection's control block (RFC 9293, 3.3.1). Sequence numbers are compared
 * by their difference, which wraps as they do. */
#ifndef TCP_CONNECTION_H
#define TCP_CONNECTION_H
#include "ip.h"
#include "random.h"
#include "tcp.h"
#include "wire.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
#define HEADER 20u
#define OUR_MSS 1460u
#define RTO_MAX 60000u /* milliseconds */
#define RETRIES_MAX 8u /* with a RTO of 200 ms: 100 s, as RFC 9293, 3.8.3 asks for */
#define TIME_WAIT_TICKS (60ull * TICKS_PER_SECOND) /* twice the maximum segment lifetime; also the wait in FIN-WAIT-2 */

enum tcp_state { CLOSED, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT };

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

extern struct tcp_connection tcp_connections[TCP_CONNECTIONS];
extern const struct tcp_service *tcp_service;
extern struct random tcp_iss_stream;
extern u64 tcp_time; /* now, as far as TCP is concerned */

#define EACH(c) (struct tcp_connection *c = tcp_connections; c < tcp_connections + TCP_CONNECTIONS; c++)

static inline u32 min(u32 a, u32 b) { return a < b ? a : b; }
static inline u32 max(u32 a, u32 b) { return a > b ? a : b; }
static inline int is_after(u32 a, u32 b) { return (int)(a - b) > 0; }

static inline u32 room_in(const struct buffer *buffer) { return buffer->size - buffer->length; }
void buffer_add(struct buffer *buffer, const void *octets, u32 length);
void buffer_take(struct buffer *buffer, u32 length);

/* tcp.c */
void tcp_forget(struct tcp_connection *c);
void tcp_enter_time_wait(struct tcp_connection *c);
/* Let the retransmission time-out pass, as long as it is after so many retries. */
void tcp_set_timer(struct tcp_connection *c);

/* tcp-send.c */
/* The right edge of the window we would tell of now. */
u32 tcp_edge_now(const struct tcp_connection *c);
/* A segment with `length` octets from `seq` on. 0 if the device takes none now. */
int tcp_send(struct tcp_connection *c, u32 seq, u32 length, u32 flags);
/* `length` octets of what is buffered, and our FIN, from SND.NXT on. */
int tcp_send_next(struct tcp_connection *c, u32 length, int fin);
/* Whatever the windows allow, and an acknowledgment if one is due. */
void tcp_send_ready(struct tcp_connection *c);
void tcp_timed_out(struct tcp_connection *c);
void tcp_refuse(const struct segment *s);

/* tcp-receive.c */
void tcp_segment_received(const struct ip_packet *packet);

#endif
