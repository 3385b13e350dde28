/* Base64 (RFC 4648, section 4). */
#ifndef BASE64_H
#define BASE64_H
#include "board.h"

extern const char base64_alphabet[65];

/* Append `octets`, with a line end after each `line` characters but the last (0: none); returns the new end. */
char *put_base64(char *to, const u8 *octets, u32 length, u32 line);
/* Read at most `room` octets from `text`, up to its padding or its end; returns how many there were. */
u32 take_base64(u8 *to, u32 room, const char *text);

#endif
