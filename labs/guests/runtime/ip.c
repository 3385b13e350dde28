/* IPv4 (RFC 791) without options and fragments, ICMP echo (RFC 792), UDP echo (RFC 862). */
#include "ip.h"
#include "net.h"
#include "wire.h"

#define ICMP 1u
#define UDP 17u
#define ECHO_PORT 7u

void (*ip_tcp)(const struct ip_packet *packet);
static u32 identification;

u32 checksum_add(u32 sum, const u8 *p, u32 length) {
  for (; length > 1; p += 2, length -= 2) sum += get16(p);
  return length ? sum + ((u32)*p << 8) : sum;
}

u32 checksum_end(u32 sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

u32 checksum_pseudo(u32 peer, u32 protocol, u32 length) {
  return (net_ip >> 16) + (net_ip & 0xffff) + (peer >> 16) + (peer & 0xffff) + protocol + length;
}

u8 *ip_begin(void) {
  u8 *frame = net_frame_begin();
  return frame ? frame + ETHERNET_HEADER + IP_HEADER : 0;
}

/* The header goes in front of the payload that ip_begin gave. */
void ip_send(const u8 *mac, u32 to, u32 protocol, u32 length) {
  u8 *ip = net_frame_begin() + ETHERNET_HEADER; /* the same frame again: it has not left */
  ip[0] = 0x45, ip[1] = 0, set16(ip + 2, IP_HEADER + length);
  set16(ip + 4, identification++), set16(ip + 6, 0x4000); /* not to be fragmented */
  ip[8] = 64, ip[9] = (u8)protocol, set16(ip + 10, 0);
  set32(ip + 12, net_ip), set32(ip + 16, to);
  set16(ip + 10, checksum_end(checksum_add(0, ip, IP_HEADER)));
  net_frame_send(mac, 0x0800, ETHERNET_HEADER + IP_HEADER + length);
}

static void icmp_received(const struct ip_packet *packet) {
  const u8 *question = packet->payload;
  if (packet->length < 8 || question[0] != 8 || question[1] != 0) return;
  if (checksum_end(checksum_add(0, question, packet->length))) return;
  u8 *answer = ip_begin();
  if (!answer) return;
  memcpy(answer, question, packet->length);
  answer[0] = 0, set16(answer + 2, 0);
  set16(answer + 2, checksum_end(checksum_add(0, answer, packet->length)));
  ip_send(packet->mac, packet->source, ICMP, packet->length);
}

static void udp_received(const struct ip_packet *packet) {
  const u8 *question = packet->payload;
  if (packet->length < 8 || get16(question + 2) != ECHO_PORT) return;
  u32 from = get16(question), length = get16(question + 4);
  if (from == ECHO_PORT || !from) return; /* another echo would answer for ever; 0 wants no answer (RFC 768) */
  if (length < 8 || length > packet->length) return;
  u32 sum = checksum_add(checksum_pseudo(packet->source, UDP, length), question, length);
  if (get16(question + 6) && checksum_end(sum)) return;
  u8 *answer = ip_begin();
  if (!answer) return;
  memcpy(answer, question, length);
  memcpy(answer, question + 2, 2), memcpy(answer + 2, question, 2); /* the sum is the same with the ports exchanged */
  ip_send(packet->mac, packet->source, UDP, length);
}

void ip_received(const u8 *frame, u32 length) {
  const u8 *ip = frame + ETHERNET_HEADER;
  u32 header = (ip[0] & 15) * 4, total = get16(ip + 2);
  if (ip[0] >> 4 != 4 || header < IP_HEADER || total < header || total > length - ETHERNET_HEADER) return;
  if (checksum_end(checksum_add(0, ip, header))) return;
  if (get32(ip + 16) != net_ip || get16(ip + 6) & 0x3fff) return; /* not ours, or a fragment */
  struct ip_packet packet = {frame + 6, get32(ip + 12), ip + header, total - header};
  /* From a group, from nobody, or from ourselves: nothing to answer. */
  if (packet.source >> 28 >= 14 || !packet.source || packet.source == net_ip || frame[6] & 1) return;
  if (packet.length > FRAME_MAX - ETHERNET_HEADER - IP_HEADER) return;
  if (ip[9] == ICMP) icmp_received(&packet);
  if (ip[9] == UDP) udp_received(&packet);
  if (ip[9] == IP_TCP && ip_tcp) ip_tcp(&packet);
}
