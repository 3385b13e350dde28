/* The neighbour with something to lose: it keeps a token of the service it works for, counts its seconds, and talks to
 * nobody but the console. */
#include "program.h"

/* A record as a configuration keeps it. */
static struct setting {
  char key[24], value[72];
} settings[2];
static u32 seconds;
static volatile u32 signature;

/* What the token is for: only who has it can make this of a number. The first thing in the program (link.ld). FNV-1a. */
__attribute__((section(".text.sign"), noinline)) static u32 sign(u32 value) {
  u32 hash = 0x811c9dc5u ^ value;
  for (const char *letter = settings[1].value; *letter; letter++) hash = (hash ^ (u8)*letter) * 0x01000193u;
  return hash;
}

/* The runtime's splitmix32 (runtime/random.c), on the stream that core/machine/guest-secrets.ts has for this token. */
static u32 next(u32 *state) {
  u32 z = *state += 0x9e3779b9u;
  z = (z ^ z >> 16) * 0x21f0aaadu;
  z = (z ^ z >> 15) * 0x735a2d97u;
  return z ^ z >> 15;
}

static void make_secret(u32 seed) {
  u32 state = seed ^ 90 * 0x9e3779b9u;
  append(settings[0].key, "service.name");
  append(settings[0].value, "ledger");
  append(settings[1].key, "service.token");
  char *end = append(settings[1].value, "tok_");
  for (int i = 0; i < 28; i++) {
    u32 letter = next(&state) % 52;
    *end++ = (char)(letter < 26 ? 'A' + letter : 'a' + letter - 26);
  }
  *end = 0;
}

/* `seed`: of everything that is made by chance; 0 for a tenant without a secret. Comes once: the kernel calls again with
 * what was left of the program's data when the program has gone wrong. */
void tenant_a(u32 seed, u32 has_secret) {
  if (has_secret && !settings[1].value[0]) make_secret(seed);
  for (;;) {
    char text[24], *end = append(text, "[tick ");
    sleep_ms(1000);
    end = append_number(end, ++seconds);
    signature = sign(seconds);
    append(end, "]");
    write_text(text);
  }
}
