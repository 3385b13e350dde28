/* Line editing: backspace, ^U, ^C, and a history on the arrow keys. */
#include "terminal.h"

#define HISTORY 8u

char terminal_prompt[64];
int terminal_hidden;

/* Everything that was typed, as a terminal driver keeps it: nobody wipes it, passwords included. */
static volatile char typed[512];
static u32 typed_count;

static char line[LINE];
static u32 length;
static char history[HISTORY][LINE];
static u32 history_count, history_at;
static enum { PLAIN, ESCAPE, BRACKET } state;

static void show_line(void) {
  if (!terminal_hidden) print(line);
}

void terminal_show_prompt(void) {
  print(terminal_prompt);
  show_line();
}

void terminal_announce(const char *text) {
  print("\r\x1b[K");
  print(text);
  print("\n");
  terminal_show_prompt();
}

static void replace_line(const char *text) {
  if (!terminal_hidden)
    for (; length; length--) print("\b \b");
  length = (u32)(put_text(line, text) - line);
  show_line();
}

static void recall(int step) {
  u32 oldest = history_count > HISTORY ? history_count - HISTORY : 0;
  if (terminal_hidden || (step < 0 && history_at == oldest) || (step > 0 && history_at == history_count)) return;
  history_at += (u32)step;
  replace_line(history_at == history_count ? "" : history[history_at % HISTORY]);
}

static char *enter(void) {
  static char entered[LINE];
  print("\n");
  put_text(entered, line);
  if (length && !terminal_hidden) put_text(history[history_count++ % HISTORY], line);
  history_at = history_count;
  length = 0, line[0] = 0;
  return entered;
}

char *terminal_type(char octet) {
  typed[typed_count++ % sizeof typed] = octet;
  if (state == ESCAPE) {
    state = octet == '[' ? BRACKET : PLAIN;
  } else if (state == BRACKET) {
    if (octet >= '@') state = PLAIN; /* the final octet of a control sequence */
    if (octet == 'A') recall(-1);
    if (octet == 'B') recall(1);
  } else if (octet == 27) {
    state = ESCAPE;
  } else if (octet == '\r' || octet == '\n') {
    return enter();
  } else if (octet == 21) {
    replace_line("");
  } else if (octet == 3) {
    length = 0, line[0] = 0;
    print("^C\n");
    terminal_show_prompt();
  } else if (octet == 8 || octet == 127) {
    if (length) {
      line[--length] = 0;
      if (!terminal_hidden) print("\b \b");
    }
  } else if (octet >= ' ' && length < LINE - 1) {
    line[length++] = octet, line[length] = 0;
    if (!terminal_hidden) print_octet(octet);
  }
  return 0;
}
