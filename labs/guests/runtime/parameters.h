/* What the host may tell the guest before it starts: one block in the page at 0x8003f000, little-endian words. Without
 * the magic number, as under plain QEMU, the guest takes the values below. The rates and the working set it looks at again
 * and again. The host's side: core/machine/guest-parameters.ts. */
#ifndef PARAMETERS_H
#define PARAMETERS_H
#include "board.h"

#define PARAMETERS_AT 0x8003f000u
#define PARAMETERS_MAGIC 0x5344494du /* "MIDS" */

/* flags */
#define FLAG_NO_SECRETS 1u  /* no user table, key, cards, request or settings; any name logs in without a password */
#define FLAG_NO_TICK 2u     /* the counter line is off until `tick on` */
#define FLAG_TICK_ALWAYS 4u /* the counter line also comes while nobody is logged in */

/* card_format */
#define CARD_PLAIN 0u
#define CARD_DASHES 1u
#define CARD_SPACES 2u

/* content: what pages are filled and rewritten with */
#define CONTENT_RANDOM 0u
#define CONTENT_ZEROS 1u /* most words 0 */
#define CONTENT_TEXT 2u  /* words of English */

/* key_kind */
#define KEY_RSA 0u
#define KEY_EC 1u
#define KEY_OPENSSH 2u

struct parameters {
  u32 magic;
  u32 seed;               /* of every secret and of the fill */
  u32 working_set_pages;
  u32 pages_per_second;   /* rewritten by the workload */
  u32 octets_per_page;    /* rewritten at each visit, in words spread over the page: 4 to 4096 */
  u32 ip;                 /* most significant octet first */
  u32 ram_octets;
  u32 fill_octets;        /* of RAM to fill with pseudo-random words at boot */
  u32 flags;
  u32 layout;             /* 0 or 1: order and size of the records, whether the key crosses a page */
  u32 card_format;
  u32 key_kind;
  u32 wide_settings;      /* 1: settings are kept as UTF-16LE */
  u32 reads_per_second;   /* kv: of its own load */
  u32 writes_per_second;
  u32 hot_pages;          /* stress: the first pages of the working set are its hot ones */
  u32 hot_percent;        /* stress: of the visits that go to the hot pages */
  u32 content;
  u32 isolation_fault;    /* tenant: 1 leaves a hole in the wall between the two programs */
};

#ifndef VARIANT_B
#define HOSTNAME "midstream"
#define DEFAULT_PARAMETERS                                                                                                       \
  { PARAMETERS_MAGIC, 0x00c0ffee, 64, 100, 64, 0x0a00020f, 16u << 20, 0, 0, 0, CARD_PLAIN, KEY_RSA, 0, 200, 50, 16, 80, CONTENT_RANDOM, 0 }
#else
#define HOSTNAME "harbour"
#define DEFAULT_PARAMETERS                                                                                                       \
  { PARAMETERS_MAGIC, 0x00c0ffee, 64, 100, 64, 0x0a00020f, 16u << 20, 0, 0, 1, CARD_DASHES, KEY_EC, 1, 200, 50, 16, 80, CONTENT_RANDOM, 0 }
#endif

/* Before `parameters_start`, what this guest takes when nobody tells it anything. */
extern struct parameters parameters;
/* Take what the host says, if it says something. RAM that is not there is not believed in, nor a kind that we do not know. */
void parameters_start(void);

#endif
