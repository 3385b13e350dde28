/* What every program here has: a main that works for a while and returns a number that shows it worked. */
#ifndef PROGRAM_H
#define PROGRAM_H
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
u32 program(void);
void *memset(void *to, int octet, unsigned length);
void *memcpy(void *to, const void *from, unsigned length);
#endif
