#include "resp.h"
#include "../runtime/heap.h"

/* Length of the line at `octets` with its end, or 0 if the end is not there. */
static u32 line_length(const char *octets, u32 length) {
  for (u32 i = 0; i < length; i++)
    if (octets[i] == '\n') return i + 1;
  return 0;
}

/* The number of a line like "$12\r\n"; -2 if it is none, or absurd. */
static int line_number(const char *line, u32 length) {
  u32 at = 1, end = length - 1;
  if (end > at && line[end - 1] == '\r') end--;
  int is_negative = at < end && line[at] == '-';
  if (is_negative) at++;
  if (at == end || end - at > 7) return -2;
  int value = 0;
  for (; at < end; at++) {
    if (line[at] < '0' || line[at] > '9') return -2;
    value = value * 10 + (line[at] - '0');
  }
  return is_negative ? -1 : value;
}

static u32 fail(struct resp_request *request, u32 length, const char *error) {
  put_text(put_text(request->error, "-ERR Protocol error: "), error);
  return length;
}

static u32 read_array(const char *octets, u32 length, struct resp_request *request) {
  u32 at = line_length(octets, length);
  if (!at) return length > 32 ? fail(request, length, "too big mbulk count string") : 0;
  int count = line_number(octets, at);
  if (count == -2 || count > (int)RESP_ARGUMENTS_MAX) return fail(request, length, "invalid multibulk length");
  if (count <= 0) return at;
  for (int i = 0; i < count; i++) {
    if (at == length) return 0;
    if (octets[at] != '$') {
      char error[] = "expected '$', got '?'";
      error[text_length(error) - 2] = octets[at] < ' ' ? '?' : octets[at];
      return fail(request, length, error);
    }
    u32 line = line_length(octets + at, length - at);
    if (!line) return length - at > 32 ? fail(request, length, "too big bulk count string") : 0;
    int size = line_number(octets + at, line);
    at += line;
    int is_bad = size < 0 || size > (int)RESP_BULK_MAX || at + (u32)size + 2 > RESP_REQUEST_MAX;
    if (is_bad) return fail(request, length, "invalid bulk length");
    if (length - at < (u32)size + 2) return 0;
    request->arguments[i] = (struct resp_text){octets + at, (u32)size};
    at += (u32)size + 2; /* its end is not looked at, as in Redis */
  }
  request->count = (u32)count;
  return at;
}

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Words; those in quotes may hold blanks. */
static u32 read_line(const char *octets, u32 length, struct resp_request *request) {
  u32 end = line_length(octets, length);
  if (!end) return length >= RESP_BULK_MAX ? fail(request, length, "too big inline request") : 0;
  for (u32 at = 0; at < end - 1;) {
    if (is_blank(octets[at])) {
      at++;
      continue;
    }
    if (request->count == RESP_ARGUMENTS_MAX) return fail(request, length, "too big inline request");
    char quote = octets[at] == '"' || octets[at] == '\'' ? octets[at++] : 0;
    u32 start = at;
    while (at < end - 1 && (quote ? octets[at] != quote : !is_blank(octets[at]))) at++;
    request->arguments[request->count++] = (struct resp_text){octets + start, at - start};
    if (!quote) continue;
    at++;
    if (at > end - 1 || (at < end - 1 && !is_blank(octets[at]))) return fail(request, length, "unbalanced quotes in request");
  }
  return end;
}

u32 resp_read(const char *octets, u32 length, struct resp_request *request) {
  request->count = 0, request->error[0] = 0;
  if (!length) return 0;
  return *octets == '*' ? read_array(octets, length, request) : read_line(octets, length, request);
}

void reply_octets(struct resp_reply *reply, const void *octets, u32 length) {
  if (reply->is_broken) return;
  if (reply->size - reply->length < length) {
    u32 size = 2 * reply->size > reply->length + length ? 2 * reply->size : reply->length + length + 128;
    char *larger = heap_alloc(size);
    if (!larger) {
      reply->is_broken = 1;
      return;
    }
    memcpy(larger, reply->octets, reply->length);
    heap_free(reply->octets);
    reply->octets = larger, reply->size = size;
  }
  memcpy(reply->octets + reply->length, octets, length);
  reply->length += length;
}

void reply_text(struct resp_reply *reply, const char *text) { reply_octets(reply, text, text_length(text)); }

void reply_line(struct resp_reply *reply, const char *line) {
  reply_text(reply, line);
  reply_text(reply, "\r\n");
}

void reply_number(struct resp_reply *reply, char type, long long value) {
  char text[24], *at = text + sizeof text;
  u64 rest = value < 0 ? 0 - (u64)value : (u64)value;
  *--at = '\n', *--at = '\r';
  do *--at = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0) *--at = '-';
  *--at = type;
  reply_octets(reply, at, (u32)(text + sizeof text - at));
}

void reply_bulk(struct resp_reply *reply, const void *octets, u32 length) {
  reply_number(reply, '$', length);
  reply_octets(reply, octets, length);
  reply_text(reply, "\r\n");
}
