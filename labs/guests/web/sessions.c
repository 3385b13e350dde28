#include "sessions.h"
#include "../runtime/heap.h"
#include "../runtime/random.h"

#define SESSIONS_MAX 256u

u32 session_count;
static struct session *newest;
static struct random tokens;

void sessions_start(void) { random_start(&tokens, 400); }

/* Take the session of that token out of the list; with 0, the last. */
static struct session *take(const char *token) {
  for (struct session **at = &newest; *at; at = &(*at)->next)
    if (token ? memory_equal((*at)->token, token, TOKEN_LENGTH) : !(*at)->next) {
      struct session *found = *at;
      *at = found->next;
      session_count--;
      return found;
    }
  return 0;
}

struct session *session_of(const char *token, u32 length, int *is_new) {
  struct session *session = token && length == TOKEN_LENGTH ? take(token) : 0;
  *is_new = !session;
  if (!session) {
    if (session_count == SESSIONS_MAX) heap_free(take(0));
    session = heap_alloc(sizeof *session);
    if (!session) return 0;
    char *end = session->token;
    for (u32 i = 0; i < TOKEN_LENGTH / 8; i++) end = put_hex(end, random_next(&tokens), 8);
    session->visits = 0;
  }
  session->next = newest, newest = session;
  session_count++;
  return session;
}

void sessions_print(void) {
  for (const struct session *session = newest; session; session = session->next) {
    print(session->token), print("  ");
    print_number(session->visits), print(" visits\n");
  }
}
