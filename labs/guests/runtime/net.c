/* virtio-net over virtio-mmio version 2 (VIRTIO 1.1, 4.2 and 5.1), and just enough of a host behind it: ARP (RFC 826),
 * ICMP echo (RFC 792) and UDP echo (RFC 862). Every answer is the question turned round in a transmit buffer. */
#include "net.h"

#define SLOT(n) ((volatile u32 *)(0x10001000u + 0x1000u * (n)))
#define SLOTS 8u
enum { /* registers, as word indices */
  MAGIC = 0x000 / 4, VERSION = 0x004 / 4, DEVICE_ID = 0x008 / 4, DEVICE_FEATURES = 0x010 / 4, DEVICE_FEATURES_SEL = 0x014 / 4,
  DRIVER_FEATURES = 0x020 / 4, DRIVER_FEATURES_SEL = 0x024 / 4, QUEUE_SEL = 0x030 / 4, QUEUE_NUM_MAX = 0x034 / 4,
  QUEUE_NUM = 0x038 / 4, QUEUE_READY = 0x044 / 4, QUEUE_NOTIFY = 0x050 / 4, INTERRUPT_STATUS = 0x060 / 4,
  INTERRUPT_ACK = 0x064 / 4, STATUS = 0x070 / 4, QUEUE_DESC = 0x080 / 4, QUEUE_DRIVER = 0x090 / 4, QUEUE_DEVICE = 0x0a0 / 4,
  CONFIG = 0x100 / 4
};
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define FEATURE_MAC (1u << 5)
#define FEATURE_VERSION_1 1u /* in the upper word */
#define DESC_WRITE 2u

#define ENTRIES 32u
#define HEADER 12u
#define BUFFER 1536u

struct desc { u64 address; u32 length; u16 flags, next; };
struct avail { u16 flags, index, ring[ENTRIES]; };
struct used { u16 flags, index; struct { u32 id, length; } ring[ENTRIES]; };
struct queue {
  struct desc desc[ENTRIES] __attribute__((aligned(16)));
  struct avail avail __attribute__((aligned(2)));
  volatile struct used used __attribute__((aligned(4)));
  u16 seen;
  u8 buffers[ENTRIES][BUFFER];
};
static struct queue rx, tx;
static volatile u32 *device;
static u32 our_ip;
u8 net_mac[6];
struct net_counters net_counters;

static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }
static void set16(u8 *p, u32 value) { p[0] = (u8)(value >> 8), p[1] = (u8)value; }
static void set32(u8 *p, u32 value) { set16(p, value >> 16), set16(p + 2, value); }
static inline void fence(void) { __asm__ volatile("fence" ::: "memory"); }

static u32 checksum(const u8 *p, u32 length) {
  u32 sum = 0;
  for (; length > 1; p += 2, length -= 2) sum += get16(p);
  if (length) sum += (u32)*p << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

static void queue_start(u32 number, struct queue *q, u16 flags) {
  for (u32 i = 0; i < ENTRIES; i++) {
    q->desc[i] = (struct desc){(u32)q->buffers[i], BUFFER, flags, 0};
    q->avail.ring[i] = (u16)i;
  }
  q->avail.index = flags & DESC_WRITE ? ENTRIES : 0;
  device[QUEUE_SEL] = number;
  device[QUEUE_NUM] = ENTRIES;
  device[QUEUE_DESC] = (u32)q->desc, device[QUEUE_DESC + 1] = 0;
  device[QUEUE_DRIVER] = (u32)&q->avail, device[QUEUE_DRIVER + 1] = 0;
  device[QUEUE_DEVICE] = (u32)&q->used, device[QUEUE_DEVICE + 1] = 0;
  device[QUEUE_READY] = 1;
}

/* A transmit buffer for a frame, or 0 while the device holds all of them. */
static u8 *frame_begin(void) {
  if ((u16)(tx.avail.index - tx.used.index) == ENTRIES) {
    net_counters.dropped++;
    return 0;
  }
  u8 *buffer = tx.buffers[tx.avail.index % ENTRIES];
  memset(buffer, 0, HEADER);
  return buffer + HEADER;
}

static void frame_send(u32 length) {
  u32 entry = tx.avail.index % ENTRIES;
  tx.desc[entry].length = HEADER + (length < 60 ? 60 : length);
  tx.avail.ring[entry] = (u16)entry;
  fence();
  tx.avail.index++;
  fence();
  device[QUEUE_NOTIFY] = 1;
  net_counters.sent++;
}

/* ARP for Ethernet and IPv4: 28 octets after the Ethernet header. */
static void arp_send(u32 operation, const u8 *to, const u8 *target_mac, u32 target_ip) {
  u8 *frame = frame_begin();
  if (!frame) return;
  memset(frame, 0, 60);
  memcpy(frame, to, 6), memcpy(frame + 6, net_mac, 6), set16(frame + 12, 0x0806);
  u8 *arp = frame + 14;
  set16(arp, 1), set16(arp + 2, 0x0800), arp[4] = 6, arp[5] = 4, set16(arp + 6, operation);
  memcpy(arp + 8, net_mac, 6), set32(arp + 14, our_ip);
  memcpy(arp + 18, target_mac, 6), set32(arp + 24, target_ip);
  frame_send(60);
}

static void ip_received(const u8 *frame, u32 length) {
  const u8 *ip = frame + 14;
  u32 header = (ip[0] & 15) * 4, total = get16(ip + 2);
  if (ip[0] >> 4 != 4 || header < 20 || total < header + 8 || total > length - 14) return;
  if (get32(ip + 16) != our_ip || get16(ip + 6) & 0x3fff) return; /* not ours, or a fragment */
  const u8 *payload = ip + header;
  int is_ping = ip[9] == 1 && payload[0] == 8 && payload[1] == 0;
  int is_echo = ip[9] == 17 && get16(payload + 2) == 7;
  if (!is_ping && !is_echo) return;
  u8 *answer = frame_begin();
  if (!answer) return;
  memcpy(answer, frame, 14 + total);
  if (total < 46) memset(answer + 14 + total, 0, 46 - total);
  memcpy(answer, frame + 6, 6), memcpy(answer + 6, net_mac, 6);
  u8 *to = answer + 14;
  memcpy(to + 12, ip + 16, 4), memcpy(to + 16, ip + 12, 4);
  to[8] = 64;
  set16(to + 10, 0), set16(to + 10, checksum(to, header));
  u8 *body = to + header;
  if (is_ping) {
    body[0] = 0;
    set16(body + 2, 0), set16(body + 2, checksum(body, total - header));
  } else {
    memcpy(body, payload + 2, 2), memcpy(body + 2, payload, 2); /* the sum is the same with the ports exchanged */
  }
  frame_send(14 + total);
}

static void frame_received(const u8 *frame, u32 length) {
  if (length < 42) return;
  u32 type = get16(frame + 12);
  if (type == 0x0800) ip_received(frame, length);
  const u8 *arp = frame + 14;
  if (type == 0x0806 && get16(arp + 6) == 1 && get32(arp + 24) == our_ip) arp_send(2, arp + 8, arp + 8, get32(arp + 14));
}

void net_poll(void) {
  if (!device) return;
  while (rx.seen != rx.used.index) {
    fence();
    u32 id = rx.used.ring[rx.seen % ENTRIES].id % ENTRIES, length = rx.used.ring[rx.seen % ENTRIES].length;
    rx.seen++;
    net_counters.received++;
    if (length > HEADER && length <= BUFFER) frame_received(rx.buffers[id] + HEADER, length - HEADER);
    rx.avail.ring[rx.avail.index % ENTRIES] = (u16)id;
    fence();
    rx.avail.index++;
    fence();
    device[QUEUE_NOTIFY] = 0;
  }
}

void net_interrupt(void) {
  if (device) device[INTERRUPT_ACK] = device[INTERRUPT_STATUS];
}

int net_present(void) { return device != 0; }

int net_start(u32 ip) {
  u32 slot = 0;
  while (slot < SLOTS && !(SLOT(slot)[MAGIC] == 0x74726976 && SLOT(slot)[VERSION] == 2 && SLOT(slot)[DEVICE_ID] == 1)) slot++;
  if (slot == SLOTS) return 0;
  device = SLOT(slot);
  our_ip = ip;
  device[STATUS] = 0;
  device[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
  device[DRIVER_FEATURES_SEL] = 0, device[DRIVER_FEATURES] = FEATURE_MAC;
  device[DRIVER_FEATURES_SEL] = 1, device[DRIVER_FEATURES] = FEATURE_VERSION_1;
  device[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
  if (!(device[STATUS] & STATUS_FEATURES_OK)) return device = 0, 0;
  for (int i = 0; i < 6; i++) net_mac[i] = ((volatile u8 *)(device + CONFIG))[i];
  queue_start(0, &rx, DESC_WRITE);
  queue_start(1, &tx, 0);
  plic_enable(slot + 1);
  device[STATUS] = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK;
  device[QUEUE_NOTIFY] = 0;
  static const u8 everybody[6] = {255, 255, 255, 255, 255, 255}, nobody[6];
  arp_send(1, everybody, nobody, our_ip);
  return 1;
}
