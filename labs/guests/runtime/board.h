/* QEMU's virt board, as far as the guests use it, and what the runtime offers on top. */
#ifndef BOARD_H
#define BOARD_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define PAGE 4096u
#define TICKS_PER_SECOND 10000000u /* of the CLINT's mtime */
#define TICKS_PER_MS 10000u

/* text.c */
void *memset(void *to, int octet, unsigned length);
void *memcpy(void *to, const void *from, unsigned length);
void *memmove(void *to, const void *from, unsigned length);
int memory_equal(const void *a, const void *b, unsigned length);
u32 text_length(const char *text);
int text_equal(const char *a, const char *b);
/* These append at `to` and return the new end. */
char *put_text(char *to, const char *text);
char *put_number(char *to, u32 value);
char *put_hex(char *to, u32 value, int digits);
/* The number at the start of `text`; at most 4294967295. */
u32 parse_number(const char *text);

/* console.c */
void console_start(void);
void print(const char *text);
void print_octet(char octet);
void print_number(u32 value);
void print_padded(const char *text, u32 width);
/* The next octet that was typed, or -1. */
int console_read(void);
void console_interrupt(void);

/* interrupts.c */
u64 now(void);
void interrupts_start(void);
void plic_enable(u32 source);
/* The timer's interrupt comes when mtime reaches `at`. */
void set_alarm(u64 at);
/* Sleep until an interrupt, at the latest at mtime `until`. Returns at once if something happened since the last call. */
void sleep_until(u64 until);
/* The next sleep_until returns at once. */
void keep_awake(void);
void power_off(void) __attribute__((noreturn));
/* Say why on the console, and stop the machine as failed. */
void panic(const char *why) __attribute__((noreturn));

/* Forget cached translations. There are none, but QEMU's TCG can miss dirty pages unless its own are flushed. */
static inline void flush_translations(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

#endif
