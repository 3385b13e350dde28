/* Requests of HTTP/1.1 (RFC 9110, RFC 9112), as far as a small server needs to understand them. */
#ifndef HTTP_H
#define HTTP_H
#include "../runtime/board.h"

#define HTTP_HEAD_MAX 2048u     /* octets of request line and fields */
#define HTTP_BODY_MAX 65536u    /* octets of a body, which is thrown away */

struct http_request {
  int status;              /* 0, or the error to answer with: the connection is of no more use then */
  const char *method, *path; /* not terminated; the path without its query */
  u32 method_length, path_length;
  const char *cookie;      /* value of the field Cookie, 0 without one */
  u32 cookie_length;
  u32 body_length;
  int keep_alive;
};

/* Read the request at the start of `octets`. Returns the length of its head, or 0 if it is not complete yet. */
u32 http_read(const char *octets, u32 length, struct http_request *request);
const char *http_reason(int status);
/* The value of cookie `name`, 0 if there is none. */
const char *http_cookie(const struct http_request *request, const char *name, u32 *length);
int http_equal(const char *octets, u32 length, const char *text);

#endif
