/* A TCP server (RFC 9293): passive opens on one port, for a service that is called when there is something to do. */
#ifndef TCP_H
#define TCP_H
#include "board.h"

#define TCP_CONNECTIONS 32u
#define TCP_SEND_OCTETS 8192u /* of each connection, until they are acknowledged */
#define TCP_RECEIVE_OCTETS 6144u
#define TCP_UNREAD_MAX 4096u /* a service that waits for more than this may wait for ever: the window moves by segments */

struct tcp_connection;

struct tcp_service {
  u32 port;
  /* Octets came, room came back, or the peer ended. It is called until tcp_end. */
  void (*serve)(struct tcp_connection *connection);
  /* It is over: free what `owner` points to. Also called from within tcp_abort. */
  void (*closed)(void *owner);
};

struct tcp_counters {
  u32 accepted, open, segments_in, segments_out, retransmitted, resets;
};
extern struct tcp_counters tcp_counters;

/* Initial sequence numbers come from the seed, so they are the same at each boot. */
void tcp_listen(const struct tcp_service *service);
/* Let the service work and send what can be sent. Call it after net_poll and at the time that tcp_wake names. */
void tcp_run(u64 time);
/* When there is something to do even if nothing comes, or `latest`. */
u64 tcp_wake(u64 latest);
/* Connections, a line each. */
void tcp_print(void);

/* What came and was not consumed, in one piece. */
const u8 *tcp_received(const struct tcp_connection *connection, u32 *length);
void tcp_consume(struct tcp_connection *connection, u32 length);
/* The peer sends no more than what has come. */
int tcp_peer_ended(const struct tcp_connection *connection);
/* Octets that tcp_write takes now. */
u32 tcp_room(const struct tcp_connection *connection);
void tcp_write(struct tcp_connection *connection, const void *octets, u32 length);
/* FIN after what was written; what still comes is thrown away. */
void tcp_end(struct tcp_connection *connection);
/* RST, now. The connection must not be used any more. */
void tcp_abort(struct tcp_connection *connection);
/* The service's own. */
void **tcp_owner(struct tcp_connection *connection);

#endif
