#ifndef NET_H
#define NET_H
#include "board.h"

struct net_counters {
  u32 received, sent, dropped;
};
extern struct net_counters net_counters;
extern u8 net_mac[6];

/* Find the network device, if there is one, and announce `ip` (most significant octet first). Returns whether there is. */
int net_start(u32 ip);
int net_present(void);
void net_interrupt(void);
/* Answer what has arrived: ARP requests, ICMP echo, UDP echo (port 7). */
void net_poll(void);

#endif
