/* RESP2, the protocol of Redis (redis.io, "Redis serialization protocol specification"): requests and replies. */
#ifndef RESP_H
#define RESP_H
#include "../runtime/board.h"

#define RESP_ARGUMENTS_MAX 64u
#define RESP_BULK_MAX 2048u    /* octets of one argument */
#define RESP_REQUEST_MAX 4096u /* octets of a request with all that is around its arguments */

struct resp_text {
  const char *at;
  u32 length;
};

struct resp_request {
  u32 count; /* 0: nothing to answer */
  struct resp_text arguments[RESP_ARGUMENTS_MAX];
  char error[64]; /* not "": what to answer with before the connection is closed */
};

/* Read the request at the start of `octets`: an array of bulk strings, or a line of words. Returns its length, or 0 if it is
 * not complete yet. */
u32 resp_read(const char *octets, u32 length, struct resp_request *request);

/* What is to be said: a block of the heap that grows. */
struct resp_reply {
  char *octets;
  u32 length, size;
  int is_broken; /* there was no memory */
};
void reply_octets(struct resp_reply *reply, const void *octets, u32 length);
void reply_text(struct resp_reply *reply, const char *text);
/* A line of a kind: "+OK", "-ERR ...". */
void reply_line(struct resp_reply *reply, const char *line);
/* A type's sign and a number: ":7", "*2", "$5". */
void reply_number(struct resp_reply *reply, char type, long long value);
void reply_bulk(struct resp_reply *reply, const void *octets, u32 length);

#endif
