/* 16550 UART: output waits for the transmitter, input comes by interrupt into a ring. */
#include "board.h"

#define UART ((volatile u8 *)0x10000000)
#define RBR 0
#define THR 0
#define IER 1
#define FCR 2
#define LSR 5

#define RING 1024u
static volatile char ring[RING];
static volatile u32 head, tail;

void console_start(void) {
  console_interrupt(); /* take what came before: switching the FIFO on loses it */
  UART[FCR] = 1;       /* FIFO on */
  UART[IER] = 1; /* interrupt on received data */
  plic_enable(10);
}

/* On a full ring the interrupt goes off until there is room: what was typed waits in the device. */
void console_interrupt(void) {
  while (UART[LSR] & 1) {
    if (head - tail == RING) {
      UART[IER] = 0;
      return;
    }
    ring[head % RING] = (char)UART[RBR];
    head++;
  }
}

int console_read(void) {
  if (head == tail) return -1;
  char octet = ring[tail % RING];
  tail++;
  UART[IER] = 1;
  return (u8)octet;
}

void print_octet(char octet) {
  while (!(UART[LSR] & 0x20)) {
  }
  UART[THR] = (u8)octet;
}

void print(const char *text) {
  for (; *text; text++) {
    if (*text == '\n') print_octet('\r');
    print_octet(*text);
  }
}

void print_number(u32 value) {
  char text[12];
  put_number(text, value);
  print(text);
}

void print_padded(const char *text, u32 width) {
  print(text);
  for (u32 length = text_length(text); length < width; length++) print_octet(' ');
}
