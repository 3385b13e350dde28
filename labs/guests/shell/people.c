/* Nobody real: names of two lists, domains of RFC 2606, numbers of the North American plan's 555-01xx. */
#include "people.h"
#include "../runtime/parameters.h"
#include "../runtime/random.h"

struct person0 { char name[28], mail[44], phone[20]; };        /* 92 octets */
struct person1 { u32 group; char phone[24], mail[48], name[32]; }; /* 108 octets */

static u8 *people;
#define PERSON0(i) ((struct person0 *)people + (i))
#define PERSON1(i) ((struct person1 *)people + (i))

const char *person_name(u32 i) { return parameters.layout ? PERSON1(i)->name : PERSON0(i)->name; }
const char *person_mail(u32 i) { return parameters.layout ? PERSON1(i)->mail : PERSON0(i)->mail; }
const char *person_phone(u32 i) { return parameters.layout ? PERSON1(i)->phone : PERSON0(i)->phone; }

static char *put_lower(char *to, const char *text) {
  for (; *text; text++) *to++ = (char)(*text | 0x20);
  return to;
}

void people_make(u8 *at) {
  static const char *const given[16] = {"Amina", "Bruno", "Chiara", "Dmitri", "Elif",   "Farid", "Greta", "Hiro",
                                        "Ingrid", "Jonas", "Keiko", "Lucia",  "Mateus", "Nadia", "Oskar", "Priya"};
  static const char *const family[16] = {"Almeida", "Bergstrom", "Castellan", "Dimitrov", "Eriksen",  "Fontaine", "Gruber",  "Hayashi",
                                         "Ivanova", "Jansen",    "Kowalski",  "Lindqvist", "Moreau", "Novak",    "Okafor", "Petrova"};
  static const char *const domains[3] = {"example.com", "example.net", "example.org"};
  static const char *const areas[4] = {"212", "312", "415", "617"};
  struct random stream;
  random_start(&stream, 70);
  u32 first = random_next(&stream);
  people = at;
  for (u32 i = 0; i < PEOPLE; i++) {
    u32 choice = random_next(&stream);
    const char *name = given[(first + 5 * i) & 15], *surname = family[choice & 15];
    put_text(put_text(put_text((char *)person_name(i), name), " "), surname);
    char *end = put_lower((char *)person_mail(i), name);
    *end++ = '.';
    end = put_lower(end, surname);
    *end++ = '@';
    put_text(end, domains[(choice >> 8) % 3]);
    end = put_text(put_text(put_text((char *)person_phone(i), "+1 "), areas[choice >> 16 & 3]), " 555 01");
    *end++ = (char)('0' + (choice >> 20) % 10);
    *end++ = (char)('0' + i % 10);
    *end = 0;
  }
}
