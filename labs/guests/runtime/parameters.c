#include "parameters.h"

#define RAM 0x80000000u
#define RAM_LEAST (1024 * 1024u)
#define RAM_MOST (1024 * RAM_LEAST)

/* start.S */
int is_memory(u32 address);

/* How much there is of the octets of RAM that we were told of, in whole pages. */
static u32 memory_there(u32 told) {
  u32 least = RAM_LEAST / PAGE, most = (told > RAM_MOST ? RAM_MOST : told) / PAGE;
  while (least < most) {
    u32 middle = least + (most - least + 1) / 2;
    if (is_memory(RAM + middle * PAGE - 4)) least = middle;
    else most = middle - 1;
  }
  return least * PAGE;
}

void parameters_start(void) {
  const struct parameters *given = (const struct parameters *)PARAMETERS_AT;
  if (given->magic == PARAMETERS_MAGIC) memcpy(&parameters, given, sizeof parameters);
  parameters.ram_octets = memory_there(parameters.ram_octets);
  if (parameters.card_format > CARD_SPACES) parameters.card_format = CARD_PLAIN;
  if (parameters.key_kind > KEY_OPENSSH) parameters.key_kind = KEY_RSA;
  if (parameters.content > CONTENT_TEXT) parameters.content = CONTENT_RANDOM;
}
