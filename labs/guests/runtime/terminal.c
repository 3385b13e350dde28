/* The line being typed, its cursor, its history. Control characters are those of readline's Emacs mode, sequences those of
 * xterm and of the VT220 (ECMA-48: CSI is ESC [; SS3 is ESC O, which some terminals send for the same keys). */
#include "terminal.h"

#define HISTORY 16u
#define CONTROL(letter) ((letter)-'@')
#define ESC 27
#define DELETE 127

char terminal_prompt[64];
int terminal_hidden;
const char *const *terminal_commands;
const char *terminal_end_of_input;

/* Everything that was typed, as a terminal driver keeps it: nobody wipes it, passwords included. */
static volatile char typed[512];
static u32 typed_count;

static char line[LINE];
static u32 length, cursor;

static char history[HISTORY][LINE];
static u32 history_count, history_at; /* of all lines since the start; the last HISTORY of them are kept */
static char unfinished[LINE];         /* what was being typed when the history was first looked at */

static enum { PLAIN, ESCAPED, SEQUENCE } state;
static u32 parameter; /* the number in a sequence such as ESC [ 3 ~ */

/* ---- the screen ----
 * A serial line does not say how wide the terminal is, and a line may be wider. So the cursor goes back by backspaces
 * alone, which step over the end of a row where the terminal knows reverse wrap-around (DECSET 45: xterm, xterm.js), and
 * what is left over is erased to the end of the screen. */
#define REVERSE_WRAP "\x1b[?45h"
#define ERASE "\x1b[J"

static void move_left(u32 columns) {
  if (terminal_hidden) return;
  while (columns--) print_octet('\b');
}

/* The screen's cursor stands at `from`: show the line from there, and put the screen's cursor where the line's is. */
static void show_from(u32 from) {
  if (terminal_hidden) return;
  print(line + from);
  print(ERASE);
  move_left(length - cursor);
}

void terminal_show_prompt(void) {
  static int is_set;
  if (!is_set) print(REVERSE_WRAP);
  is_set = 1;
  print(terminal_prompt);
  if (terminal_hidden) return;
  print(line);
  move_left(length - cursor);
}

void terminal_announce(const char *text) {
  for (u32 back = text_length(terminal_prompt) + (terminal_hidden ? 0 : cursor); back; back--) print_octet('\b');
  print("\r" ERASE);
  print(text);
  print("\n");
  terminal_show_prompt();
}

/* ---- editing ---- */
static void move_to(u32 to) {
  if (!terminal_hidden && to > cursor)
    for (u32 at = cursor; at < to; at++) print_octet(line[at]);
  if (to < cursor) move_left(cursor - to);
  cursor = to;
}

/* Put `text` at the cursor, as much as there is room for. */
static void insert(const char *text) {
  u32 from = cursor;
  for (; *text && length < LINE - 1; text++) {
    for (u32 at = length++; at > cursor; at--) line[at] = line[at - 1];
    line[cursor++] = *text;
  }
  line[length] = 0;
  if (cursor < length)
    show_from(from);
  else if (!terminal_hidden)
    print(line + from);
}

/* Remove what stands between `from` and `to`, one of which is the cursor. */
static void erase(u32 from, u32 to) {
  if (from == to) return;
  move_to(from);
  for (u32 at = to; at <= length; at++) line[from + at - to] = line[at];
  length -= to - from;
  show_from(from);
}

static void replace_line(const char *text) {
  move_to(0);
  length = 0, line[0] = 0;
  insert(text);
  if (!terminal_hidden) print(ERASE);
}

static u32 word_start(void) {
  u32 at = cursor;
  while (at && line[at - 1] == ' ') at--;
  while (at && line[at - 1] != ' ') at--;
  return at;
}

/* ---- history ---- */
void terminal_forget_history(void) {
  memset(history, 0, sizeof history);
  history_count = history_at = 0;
}

static void remember(void) {
  int is_repeated = history_count && text_equal(history[(history_count - 1) % HISTORY], line);
  if (length && !terminal_hidden && !is_repeated) put_text(history[history_count++ % HISTORY], line);
  history_at = history_count;
}

static void recall(int step) {
  u32 oldest = history_count > HISTORY ? history_count - HISTORY : 0;
  if (terminal_hidden || (step < 0 && history_at == oldest) || (step > 0 && history_at == history_count)) return;
  if (history_at == history_count) put_text(unfinished, line);
  history_at += (u32)step;
  replace_line(history_at == history_count ? unfinished : history[history_at % HISTORY]);
}

/* ---- completion of the first word ---- */
/* How many octets of `a` and `b` are the same from the start. */
static u32 common(const char *a, const char *b) {
  u32 count = 0;
  while (a[count] && a[count] == b[count]) count++;
  return count;
}

static void list_commands(u32 typed_length) {
  print("\n");
  for (u32 i = 0; terminal_commands[i]; i++)
    if (common(terminal_commands[i], line) >= typed_length) print(terminal_commands[i]), print("  ");
  print("\n");
  terminal_show_prompt();
}

static void complete(void) {
  if (terminal_hidden || !terminal_commands || cursor != length) return;
  for (u32 at = 0; at < length; at++)
    if (line[at] == ' ') return;
  const char *first = 0;
  u32 matches = 0, shared = 0; /* all matches have their first `shared` octets in common */
  for (u32 i = 0; terminal_commands[i]; i++) {
    const char *name = terminal_commands[i];
    if (common(name, line) < length) continue;
    u32 same = first ? common(name, first) : text_length(name);
    if (!first) first = name;
    shared = matches++ && shared < same ? shared : same;
  }
  if (!matches) return;
  char rest[LINE];
  u32 count = 0;
  for (u32 at = length; at < shared && count < LINE - 2; at++) rest[count++] = first[at];
  if (matches == 1) rest[count++] = ' ';
  rest[count] = 0;
  if (count)
    insert(rest);
  else
    list_commands(length);
}

/* ---- what is typed ---- */
static char *enter(void) {
  static char entered[LINE];
  move_to(length);
  print("\n");
  remember();
  put_text(entered, line);
  memset(line, 0, sizeof line);
  length = cursor = 0;
  return entered;
}

static char *end_of_input(void) {
  if (length) {
    if (cursor < length) erase(cursor, cursor + 1);
    return 0;
  }
  if (!terminal_end_of_input) return 0;
  insert(terminal_end_of_input);
  return enter();
}

static void start_again(void) {
  move_to(length);
  memset(line, 0, sizeof line);
  length = cursor = 0;
  history_at = history_count;
  print("^C\n");
  terminal_show_prompt();
}

static char *control(char octet) {
  switch (octet) {
  case '\r':
  case '\n': return enter();
  case ESC: state = ESCAPED; break;
  case CONTROL('A'): move_to(0); break;
  case CONTROL('B'): move_to(cursor ? cursor - 1 : 0); break;
  case CONTROL('C'): start_again(); break;
  case CONTROL('D'): return end_of_input();
  case CONTROL('E'): move_to(length); break;
  case CONTROL('F'): move_to(cursor < length ? cursor + 1 : length); break;
  case CONTROL('H'):
  case DELETE: erase(cursor ? cursor - 1 : 0, cursor); break;
  case CONTROL('I'): complete(); break;
  case CONTROL('K'): erase(cursor, length); break;
  case CONTROL('L'):
    print("\x1b[H\x1b[2J");
    terminal_show_prompt();
    break;
  case CONTROL('N'): recall(1); break;
  case CONTROL('P'): recall(-1); break;
  case CONTROL('U'): erase(0, cursor); break;
  case CONTROL('W'): erase(word_start(), cursor); break;
  }
  return 0;
}

/* The last octet of a sequence says which key it was. */
static void key(char final) {
  if (final == '~') final = parameter == 1 || parameter == 7 ? 'H' : parameter == 4 || parameter == 8 ? 'F' : parameter == 3 ? '~' : 0;
  switch (final) {
  case 'A': recall(-1); break;
  case 'B': recall(1); break;
  case 'C': control(CONTROL('F')); break;
  case 'D': control(CONTROL('B')); break;
  case 'H': move_to(0); break;
  case 'F': move_to(length); break;
  case '~': if (cursor < length) erase(cursor, cursor + 1);
  }
}

char *terminal_type(char octet) {
  typed[typed_count++ % sizeof typed] = octet;
  if ((u8)octet < ' ') state = PLAIN; /* it counts in the middle of a sequence, too: Enter, ^C, another ESC */
  if (state == ESCAPED) {
    state = octet == '[' || octet == 'O' ? SEQUENCE : PLAIN;
    parameter = 0;
  } else if (state == SEQUENCE) {
    if (octet >= '0' && octet <= '9' && parameter < 100) parameter = parameter * 10 + (u32)(octet - '0');
    if (octet >= '@') {
      state = PLAIN;
      key(octet);
    }
  } else if (octet == DELETE || (u8)octet < ' ') {
    return control(octet);
  } else if ((u8)octet < DELETE) { /* one column each: ASCII only */
    const char text[2] = {octet, 0};
    insert(text);
  }
  return 0;
}

void terminal_read(void (*command)(char *line)) {
  int octet;
  while ((octet = console_read()) >= 0) {
    char *line = terminal_type((char)octet);
    if (!line) continue;
    command(line);
    terminal_show_prompt();
  }
}
