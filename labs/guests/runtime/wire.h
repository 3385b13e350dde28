/* Fields of frames: most significant octet first, at any address. */
#ifndef WIRE_H
#define WIRE_H
#include "board.h"

static inline u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static inline u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }
static inline void set16(u8 *p, u32 value) { p[0] = (u8)(value >> 8), p[1] = (u8)value; }
static inline void set32(u8 *p, u32 value) { set16(p, value >> 16), set16(p + 2, value); }

#endif
