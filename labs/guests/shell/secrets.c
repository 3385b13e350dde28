/* The secrets of one boot, all from the seed: users, an address book, a private key, payment cards, a web session and
 * settings. The values stand nowhere in the image; core/machine/guest-secrets.ts makes the same ones from the same seed. */
#include "secrets.h"
#include "../runtime/base64.h"
#include "../runtime/cards.h"
#include "../runtime/parameters.h"
#include "../runtime/workload.h"
#include "people.h"
#include "users.h"

#define OBJECTS 6u /* users, cards, settings, a request, a key, people */

struct card0 { char holder[24], number[24], expiry[8], note[8]; };           /* 64 octets */
struct card1 { u32 order; char number[28], expiry[8], holder[40]; };         /* 80 octets */
#define KEY 24u
#define VALUE 72u

static u8 *users, *cards, *settings, *people;
static char *key, *request;
#define CARD0(i) ((struct card0 *)cards + (i))
#define CARD1(i) ((struct card1 *)cards + (i))

const char *card_holder(u32 i) { return parameters.layout ? CARD1(i)->holder : CARD0(i)->holder; }
const char *card_number(u32 i) { return parameters.layout ? CARD1(i)->number : CARD0(i)->number; }
const char *key_text(void) { return key; }
const char *request_text(void) { return request; }

static void make_card(u32 index, u32 number, u32 error) {
  struct random stream;
  random_start(&stream, number);
  put_card_number((char *)card_number(index), &stream, error);
  put_card_expiry(parameters.layout ? CARD1(index)->expiry : CARD0(index)->expiry, &stream);
}

static void make_cards(void) {
  for (u32 i = 0; i < CARDS; i++) {
    make_card(i, 20 + i, 0);
    put_text((char *)card_holder(i), user_name(i + 1));
  }
  make_card(CARDS, 30, 1); /* looks like a card number, and is none */
  put_text((char *)card_holder(CARDS), "order ref");
}

static void make_request(void) {
  struct random stream;
  random_start(&stream, 40);
  char *end = put_text(request, "GET /account HTTP/1.1\r\nHost: shop." HOSTNAME ".example\r\nUser-Agent: kiosk/2.1\r\nCookie: session=");
  for (int i = 0; i < 4; i++) end = put_hex(end, random_next(&stream), 8);
  put_text(end, "; theme=dark\r\nAccept: text/html\r\n\r\n");
}

/* ---- the private key: the outline of a real one, random where the numbers would be; it opens nothing ---- */
static u8 *put_octets(u8 *to, const char *from, u32 length) { return (u8 *)memcpy(to, from, length) + length; }
static u8 *put_random(u8 *to, struct random *stream, u32 length) {
  while (length--) *to++ = (u8)random_next(stream);
  return to;
}
/* A positive INTEGER (DER) of `length` octets after its header; a leading 0 keeps the top bit from being a sign. */
static u8 *put_integer(u8 *to, struct random *stream, u32 length) {
  *to++ = 2;
  if (length > 127) *to++ = 0x81;
  *to++ = (u8)length;
  u8 *first = to;
  to = put_random(to, stream, length);
  if (length % 2) first[0] = 0, first[1] |= 0x80;
  else first[0] = (first[0] & 0x7f) | 0x40;
  return to;
}
static u8 *put_string(u8 *to, const char *text, u32 length) {
  *to++ = 0, *to++ = 0, *to++ = 0, *to++ = (u8)length;
  return put_octets(to, text, length);
}

static u8 *key_octets(u8 *to, struct random *stream) {
  if (parameters.key_kind == KEY_RSA) { /* RFC 8017, A.1.2, 1024 bits */
    to = put_octets(to, "\x30\x82\x02\x5b\x02\x01\x00", 7);
    to = put_integer(to, stream, 129);
    to = put_octets(to, "\x02\x03\x01\x00\x01", 5);
    to = put_integer(to, stream, 128);
    to = put_integer(to, stream, 65), to = put_integer(to, stream, 65);
    for (int i = 0; i < 3; i++) to = put_integer(to, stream, 64);
    return to;
  }
  if (parameters.key_kind == KEY_EC) { /* RFC 5915, P-256 */
    to = put_octets(to, "\x30\x77\x02\x01\x01\x04\x20", 7);
    to = put_random(to, stream, 32);
    to = put_octets(to, "\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\xa1\x44\x03\x42\x00\x04", 18);
    return put_random(to, stream, 64);
  }
  /* openssh's PROTOCOL.key, Ed25519, not encrypted */
  u8 public_key[32];
  put_random(public_key, stream, 32);
  to = put_octets(to, "openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1\0\0\0\x33", 43);
  to = put_string(put_string(to, "ssh-ed25519", 11), (char *)public_key, 32);
  to = put_octets(to, "\0\0\0\x88", 4);
  u8 *check = to;
  to = put_random(to, stream, 4);
  to = put_octets(to, (char *)check, 4);
  to = put_string(put_string(to, "ssh-ed25519", 11), (char *)public_key, 32);
  to = put_octets(to, "\0\0\0\x40", 4);
  to = put_octets(put_random(to, stream, 32), (char *)public_key, 32);
  return put_octets(to, "\0\0\0\0\1\2\3\4\5", 9);
}

static void make_key(void) {
  static const char *const kinds[3] = {"RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"};
  const char *kind = kinds[parameters.key_kind % 3];
  static u8 octets[640];
  struct random stream;
  random_start(&stream, 50);
  u32 length = (u32)(key_octets(octets, &stream) - octets);
  char *end = put_base64(put_text(put_text(put_text(key, "-----BEGIN "), kind), "-----\n"), octets, length, 64);
  put_text(put_text(put_text(end, "\n-----END "), kind), "-----\n");
  memset(octets, 0, sizeof octets);
}

/* ---- settings: records of a key and a value, one or two octets a character ---- */
static u32 width(void) { return parameters.wide_settings ? 2 : 1; }
static u8 *setting_at(u32 index) { return settings + index * (KEY + VALUE) * width(); }
static void write_field(u8 *field, u32 size, const char *text) {
  memset(field, 0, size * width());
  for (; *text; text++, field += width()) *field = (u8)*text;
}
static char *read_field(char *to, const u8 *field) {
  char *start = to;
  do *to = (char)*field, field += width();
  while (*to++);
  return start;
}

const char *setting_key(u32 index) {
  static char text[KEY];
  return settings && index < SETTINGS && *setting_at(index) ? read_field(text, setting_at(index)) : 0;
}

const char *setting_get(const char *name) {
  static char text[VALUE];
  const char *known;
  for (u32 i = 0; i < SETTINGS; i++)
    if ((known = setting_key(i)) && text_equal(known, name)) return read_field(text, setting_at(i) + KEY * width());
  return 0;
}

int setting_set(const char *name, const char *value) {
  if (!settings || text_length(name) >= KEY || text_length(value) >= VALUE) return 0;
  u32 index = 0;
  const char *known;
  while ((known = setting_key(index)) && !text_equal(known, name)) index++;
  if (index == SETTINGS) return 0;
  write_field(setting_at(index), KEY, name);
  write_field(setting_at(index) + KEY * width(), VALUE, value);
  return 1;
}

static void make_settings(void) {
  char value[VALUE], *end;
  struct random stream;
  setting_set("site.name", HOSTNAME);
  random_start(&stream, 60);
  end = put_text(value, "postgres://app:");
  end = put_word(end, &stream);
  end = put_number(end, 100 + random_next(&stream) % 900);
  put_text(end, "@10.0.0.9:5432/main");
  setting_set("db.url", value);
  random_start(&stream, 61);
  end = put_text(value, "tok_");
  for (int i = 0; i < 28; i++) *end++ = base64_alphabet[random_next(&stream) % 52];
  *end = 0;
  setting_set("api.token", value);
  setting_set("motd", "maintenance window on friday");
}

u32 secrets_make(u32 heap) {
  /* Every object in pages of its own, somewhere inside them, so that addresses differ from seed to seed. */
  struct random place;
  random_start(&place, 100);
  u8 **objects[OBJECTS] = {&users, &cards, &settings, (u8 **)&request, (u8 **)&key, &people};
  for (u32 i = 0; i < OBJECTS; i++) {
    u32 gap = 1 + random_next(&place) % 4, offset = random_next(&place) % 64 * 16;
    if (parameters.layout && i == 4) offset = PAGE - 160;
    *objects[i] = (u8 *)heap + gap * PAGE + offset;
    heap = fill_between(heap + (gap + 3) * PAGE, OBJECTS);
  }
  if (parameters.flags & FLAG_NO_SECRETS) {
    setting_set("motd", "maintenance window on friday");
    return heap;
  }
  users_make(users);
  people_make(people);
  make_cards();
  make_request();
  make_key();
  make_settings();
  return heap;
}
