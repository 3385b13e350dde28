#ifndef SESSIONS_H
#define SESSIONS_H
#include "../runtime/board.h"

#define TOKEN_LENGTH 32u

/* Somebody who has the cookie `token`. */
struct session {
  struct session *next; /* seen longer ago */
  u32 visits;
  char token[TOKEN_LENGTH + 1];
};
extern u32 session_count;

void sessions_start(void);
/* The session of that token, or a new one; 0 if there is no memory. When there are too many, the one seen longest ago ends. */
struct session *session_of(const char *token, u32 length, int *is_new);
void sessions_print(void);

#endif
