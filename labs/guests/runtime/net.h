/* The network device with Ethernet and ARP: net.c. Callers above it: ip.c. */
#ifndef NET_H
#define NET_H
#include "board.h"

#define ETHERNET_HEADER 14u
#define FRAME_MAX 1514u

struct net_counters {
  u32 received, sent, dropped;
};
extern struct net_counters net_counters;
extern u8 net_mac[6];
extern u32 net_ip;

/* Find the network device, if there is one, and announce `ip` (most significant octet first). Returns whether there is. */
int net_start(u32 ip);
int net_present(void);
void net_interrupt(void);
/* Handle what has arrived, as many frames as the device can have ready; if there are more, the next sleep is short. */
void net_poll(void);

/* Room for a frame of at most FRAME_MAX octets, or 0 while the device holds all there is. An interrupt comes when it gives
 * some back. */
u8 *net_frame_begin(void);
/* Send what was begun, from our address to `to`; the rest of the frame is the caller's. */
void net_frame_send(const u8 *to, u32 type, u32 length);

#endif
