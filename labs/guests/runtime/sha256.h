#ifndef SHA256_H
#define SHA256_H
#include "board.h"

#define SHA256_OCTETS 32u
#define SHA256_INPUT_MAX 55u /* what fits one block with its end mark and its length */

/* SHA-256 (FIPS 180-4) of a short message, at most SHA256_INPUT_MAX octets. Leaves nothing of it in memory. */
void sha256(u8 digest[SHA256_OCTETS], const u8 *message, u32 length);

#endif
