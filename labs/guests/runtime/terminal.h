/* A line editor for the console: what a terminal's driver and a shell's line editor do between them. */
#ifndef TERMINAL_H
#define TERMINAL_H
#include "board.h"

#define LINE 128u

/* What stands before the line being typed, and whether what is typed shows and goes into the history. */
extern char terminal_prompt[64];
extern int terminal_hidden;
/* The names that Tab completes at the start of a line, ended by 0; 0 for none. */
extern const char *const *terminal_commands;
/* What ^D on an empty line stands for, such as "exit"; 0 for nothing. */
extern const char *terminal_end_of_input;

void terminal_show_prompt(void);
/* Take one typed octet. Returns the line, without its end, when it is complete; otherwise 0. The line is the caller's
 * until the next octet. */
char *terminal_type(char octet);
/* Take all that was typed: `command` gets each complete line, and the prompt is shown after it. */
void terminal_read(void (*command)(char *line));
/* Print `text` on lines of its own without spoiling what is being typed. */
void terminal_announce(const char *text);
/* Begin with an empty history, as a new session does. */
void terminal_forget_history(void);

#endif
