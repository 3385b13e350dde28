/* virtio-net over virtio-mmio version 2 (VIRTIO 1.1, 4.2 and 5.1), Ethernet, and ARP (RFC 826). There is no table of
 * addresses: a server only answers, and an answer goes where the question came from. */
#include "net.h"
#include "ip.h"
#include "wire.h"

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
#define FRAME_MIN 60u

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
u8 net_mac[6];
u32 net_ip;
struct net_counters net_counters;

static inline void fence(void) { __asm__ volatile("fence" ::: "memory"); }

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

u8 *net_frame_begin(void) {
  if (!device || (u16)(tx.avail.index - tx.used.index) == ENTRIES) {
    net_counters.dropped++;
    return 0;
  }
  u8 *buffer = tx.buffers[tx.avail.index % ENTRIES];
  memset(buffer, 0, HEADER);
  return buffer + HEADER;
}

void net_frame_send(const u8 *to, u32 type, u32 length) {
  u32 entry = tx.avail.index % ENTRIES;
  u8 *frame = tx.buffers[entry] + HEADER;
  memcpy(frame, to, 6), memcpy(frame + 6, net_mac, 6), set16(frame + 12, type);
  if (length < FRAME_MIN) memset(frame + length, 0, FRAME_MIN - length), length = FRAME_MIN;
  tx.desc[entry].length = HEADER + length;
  tx.avail.ring[entry] = (u16)entry;
  fence();
  tx.avail.index++;
  fence();
  device[QUEUE_NOTIFY] = 1;
  net_counters.sent++;
}

/* ARP for Ethernet and IPv4: 28 octets after the Ethernet header. */
static void arp_send(u32 operation, const u8 *to, const u8 *target_mac, u32 target_ip) {
  u8 *frame = net_frame_begin();
  if (!frame) return;
  u8 *arp = frame + ETHERNET_HEADER;
  set16(arp, 1), set16(arp + 2, 0x0800), arp[4] = 6, arp[5] = 4, set16(arp + 6, operation);
  memcpy(arp + 8, net_mac, 6), set32(arp + 14, net_ip);
  memcpy(arp + 18, target_mac, 6), set32(arp + 24, target_ip);
  net_frame_send(to, 0x0806, ETHERNET_HEADER + 28);
}

static int is_for_us(const u8 *frame) {
  for (int i = 0; i < 6; i++)
    if (frame[i] != net_mac[i]) return frame[0] & 1; /* to a group: a broadcast */
  return 1;
}

static void frame_received(const u8 *frame, u32 length) {
  if (length < ETHERNET_HEADER + 28 || !is_for_us(frame)) return;
  u32 type = get16(frame + 12);
  if (type == 0x0800) ip_received(frame, length);
  const u8 *arp = frame + ETHERNET_HEADER;
  int is_request = get32(arp) == 0x00010800 && get32(arp + 4) == 0x06040001; /* Ethernet, IPv4, their lengths; operation 1 */
  if (type == 0x0806 && is_request && get32(arp + 24) == net_ip) arp_send(2, arp + 8, arp + 8, get32(arp + 14));
}

void net_poll(void) {
  if (!device) return;
  for (u32 left = ENTRIES; rx.seen != rx.used.index; left--) {
    if (!left) { /* they come faster than we answer: others have a turn in between */
      keep_awake();
      return;
    }
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
  net_ip = ip;
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
  arp_send(1, everybody, nobody, net_ip);
  return 1;
}
