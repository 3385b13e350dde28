/* IPv4 and what it carries: ip.c, tcp.c. */
#ifndef IP_H
#define IP_H
#include "board.h"

#define IP_HEADER 20u
#define IP_TCP 6u

/* A packet for us, its lengths and its header's checksum checked. */
struct ip_packet {
  const u8 *mac; /* of who put it on this link */
  u32 source;
  const u8 *payload;
  u32 length;
};

void ip_received(const u8 *frame, u32 length);

/* Room for a payload of at most 1480 octets, or 0: see net_frame_begin. */
u8 *ip_begin(void);
void ip_send(const u8 *mac, u32 to, u32 protocol, u32 length);

/* The Internet checksum (RFC 1071) of `length` octets at an even place after what `sum` holds, not yet inverted. */
u32 checksum_add(u32 sum, const u8 *p, u32 length);
u32 checksum_end(u32 sum);
/* Of the pseudo-header of UDP and TCP. */
u32 checksum_pseudo(u32 peer, u32 protocol, u32 length);

/* Who takes TCP segments, or 0: tcp.c sets it, so that a guest without TCP need not be linked with it. */
extern void (*ip_tcp)(const struct ip_packet *packet);

#endif
