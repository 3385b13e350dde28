/* The neighbour who looks over the wall: a small console that reads and runs whatever address it is given. */
#include "program.h"

#define ROW 16u

static u32 is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/* Cuts the next word off `*line`. */
static char *next_word(char **line) {
  char *at = *line;
  while (*at == ' ') at++;
  char *word = at;
  while (*at && *at != ' ') at++;
  if (*at) *at++ = 0;
  *line = at;
  return word;
}

/* Hexadecimal after 0x, else decimal. */
static u32 number(const char *text) {
  u32 value = 0;
  if (text[0] == '0' && text[1] == 'x') {
    for (text += 2; is_hex(*text); text++) value = value * 16 + (u32)(*text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10);
    return value;
  }
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (u32)(*text - '0');
  return value;
}

static u32 is_word(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* One row as xxd shows it. The first octet out of bounds ends it, and us: the kernel starts us again. */
static void show_row(u32 address, u32 count) {
  char text[96], shown[ROW + 1];
  char *end = append(append_hex(text, address, 8), "  ");
  for (u32 i = 0; i < count; i++) {
    u8 octet = *(volatile u8 *)(address + i);
    end = append(append_hex(end, octet, 2), " ");
    shown[i] = octet >= ' ' && octet < 127 ? (char)octet : '.';
  }
  for (u32 i = count; i < ROW; i++) end = append(end, "   ");
  shown[count] = 0;
  append(append(append(end, " "), shown), "\n");
  write_text(text);
}

static void peek(u32 address, u32 count) {
  if (count == 0) count = 4;
  if (count > 1024) count = 1024;
  for (u32 at = 0; at < count; at += ROW) show_row(address + at, count - at < ROW ? count - at : ROW);
}

static void jump(u32 address, u32 argument) {
  char text[48];
  u32 (*target)(u32) = (u32(*)(u32))address;
  append(append_hex(append(text, "it came back with 0x"), target(argument), 8), "\n");
  write_text(text);
}

/* Rounds of counting, without a single call: others run only if the kernel takes the hart away. */
static void spin(u32 millions) {
  for (u32 i = 0; i < millions; i++)
    for (volatile u32 j = 0; j < 1000000; j++) {
    }
  write_text("spun\n");
}

/* `text`, `data` and `end`: where our own memory lies. */
void tenant_b(u32 text, u32 data, u32 end) {
  for (;;) {
    char line[MESSAGE_MAX], answer[96], *rest = line, *to;
    line[read_message(line, sizeof line - 1)] = 0;
    const char *command = next_word(&rest), *first = next_word(&rest), *second = next_word(&rest);
    if (is_word(command, "help")) {
      write_text("where                     our own memory\n"
                 "peek ADDRESS [COUNT]      read memory\n"
                 "jump ADDRESS [ARGUMENT]   call what is there\n"
                 "spin MILLIONS             count, and leave the hart to nobody\n");
      write_text("ps                        the kernel's: both tenants\n"
                 "restart                   the kernel's: start this one again\n"
                 "tick on|off               the kernel's: the counter line\n"
                 "poweroff                  the kernel's: stop the machine\n");
    } else if (is_word(command, "where")) {
      to = append_hex(append(answer, "program 0x"), text, 8);
      to = append_hex(append(to, "\ndata    0x"), data, 8);
      append(append_hex(append(to, " to 0x"), end, 8), "\n");
      write_text(answer);
    } else if (is_word(command, "peek") && *first)
      peek(number(first), number(second));
    else if (is_word(command, "jump") && *first)
      jump(number(first), number(second));
    else if (is_word(command, "spin"))
      spin(number(first));
    else if (*command) {
      to = answer;
      for (u32 i = 0; command[i] && i < 40; i++) *to++ = command[i];
      append(to, ": not a command; try help\n");
      write_text(answer);
    }
  }
}
