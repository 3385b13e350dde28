#ifndef TERMINAL_H
#define TERMINAL_H
#include "../runtime/board.h"

#define LINE 128u

/* What stands before the line being typed, and whether what is typed shows. */
extern char terminal_prompt[64];
extern int terminal_hidden;

void terminal_show_prompt(void);
/* Take one typed octet. Returns the line, without its end, when it is complete; otherwise 0. */
char *terminal_type(char octet);
/* Print `text` on lines of its own without spoiling what is being typed. */
void terminal_announce(const char *text);

#endif
