#include "http.h"

struct text {
  const char *at;
  u32 length;
};

int http_equal(const char *octets, u32 length, const char *text) {
  return length == text_length(text) && memory_equal(octets, text, length);
}

static char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter + 32) : letter; }

static int equal_in_any_case(struct text a, const char *b) {
  for (u32 i = 0; i < a.length; i++)
    if (!b[i] || lower(a.at[i]) != lower(b[i])) return 0;
  return !b[a.length];
}

static int is_blank(char c) { return c == ' ' || c == '\t'; }

/* RFC 9110, 5.6.2: what a method or a field's name may consist of. */
static int is_token(struct text text) {
  for (u32 i = 0; i < text.length; i++) {
    char c = lower(text.at[i]);
    int is_special = 0;
    for (const char *special = "!#$%&'*+-.^_`|~"; *special; special++) is_special |= c == *special;
    if (!is_special && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return 0;
  }
  return text.length != 0;
}

/* Take what stands before `separator` off `text`. Returns whether it was there. */
static int cut(struct text *text, char separator, struct text *before) {
  for (u32 i = 0; i < text->length; i++) {
    if (text->at[i] != separator) continue;
    *before = (struct text){text->at, i};
    text->at += i + 1, text->length -= i + 1;
    return 1;
  }
  *before = *text;
  *text = (struct text){text->at + text->length, 0};
  return 0;
}

static struct text trim(struct text text) {
  while (text.length && is_blank(*text.at)) text.at++, text.length--;
  while (text.length && is_blank(text.at[text.length - 1])) text.length--;
  return text;
}

/* Whether a list like "keep-alive, upgrade" names `word`. */
static int lists(struct text list, const char *word) {
  while (list.length) {
    struct text item;
    cut(&list, ',', &item);
    if (equal_in_any_case(trim(item), word)) return 1;
  }
  return 0;
}

/* RFC 9112, 3.2: a path, or a whole URI whose path counts. */
static int read_target(struct text target, struct http_request *request) {
  for (u32 i = 0; i < target.length; i++)
    if (target.at[i] <= ' ' || target.at[i] >= 127) return 0;
  if (target.length >= 7 && equal_in_any_case((struct text){target.at, 7}, "http://")) {
    target.at += 7, target.length -= 7;
    while (target.length && *target.at != '/') target.at++, target.length--;
    if (!target.length) target = (struct text){"/", 1};
  }
  if (!target.length || (*target.at != '/' && *target.at != '*')) return 0;
  struct text path;
  cut(&target, '?', &path);
  request->path = path.at, request->path_length = path.length;
  return 1;
}

/* The status for a bad request line, or 0. */
static int read_request_line(struct text line, struct http_request *request) {
  struct text method, target;
  if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target) || !is_token(method) || !read_target(target, request)) return 400;
  if (line.length != 8 || !memory_equal(line.at, "HTTP/", 5) || line.at[6] != '.') return 400;
  if (line.at[5] != '1' || line.at[7] < '0' || line.at[7] > '9') return 505;
  request->method = method.at, request->method_length = method.length;
  request->keep_alive = line.at[7] != '0';
  return 0;
}

static int read_length(struct text value, u32 *length) {
  *length = 0;
  for (u32 i = 0; i < value.length; i++) {
    if (value.at[i] < '0' || value.at[i] > '9') return 400;
    *length = *length * 10 + (u32)(value.at[i] - '0');
    if (*length > HTTP_BODY_MAX) return 413;
  }
  return value.length ? 0 : 400;
}

struct seen {
  int host, length;
};

static int read_field(struct text line, struct http_request *request, struct seen *seen) {
  struct text name;
  if (!cut(&line, ':', &name) || !is_token(name)) return 400; /* also a line that begins with a blank */
  struct text value = trim(line);
  for (u32 i = 0; i < value.length; i++)
    if ((u8)value.at[i] < ' ' && value.at[i] != '\t') return 400;
  if (equal_in_any_case(name, "Host")) return seen->host++ ? 400 : 0;
  if (equal_in_any_case(name, "Content-Length")) return seen->length++ ? 400 : read_length(value, &request->body_length);
  if (equal_in_any_case(name, "Transfer-Encoding")) return 501;
  if (equal_in_any_case(name, "Cookie")) request->cookie = value.at, request->cookie_length = value.length;
  if (equal_in_any_case(name, "Connection")) {
    if (lists(value, "close")) request->keep_alive = 0;
    else if (lists(value, "keep-alive")) request->keep_alive = 1;
  }
  return 0;
}

/* Where the empty line ends that ends the head, or 0. */
static u32 head_length(const char *octets, u32 length) {
  for (u32 i = 3; i < length; i++)
    if (octets[i] == '\n' && memory_equal(octets + i - 3, "\r\n\r\n", 4)) return i + 1;
  return 0;
}

u32 http_read(const char *octets, u32 length, struct http_request *request) {
  *request = (struct http_request){0};
  u32 start = 0; /* RFC 9112, 2.2: an empty line in front is forgiven */
  while (length - start >= 2 && octets[start] == '\r' && octets[start + 1] == '\n' && start < 8) start += 2;
  u32 head = head_length(octets + start, length - start);
  if (head > HTTP_HEAD_MAX || (!head && length - start >= HTTP_HEAD_MAX)) {
    request->status = 431;
    return length;
  }
  if (!head) return 0;
  struct text lines = {octets + start, head - 2}, line;
  struct seen seen = {0, 0};
  int is_first = 1, is_old = 0;
  while (!request->status && lines.length) {
    cut(&lines, '\n', &line);
    if (!line.length || line.at[line.length - 1] != '\r') {
      request->status = 400;
      break;
    }
    line.length--;
    request->status = is_first ? read_request_line(line, request) : read_field(line, request, &seen);
    if (is_first) is_old = !request->keep_alive;
    is_first = 0;
  }
  if (!request->status && !seen.host && !is_old) request->status = 400; /* RFC 9112, 3.2 */
  if (request->status) request->keep_alive = 0;
  return start + head;
}

const char *http_cookie(const struct http_request *request, const char *name, u32 *length) {
  struct text cookies = {request->cookie, request->cookie_length}, cookie, known;
  while (cookies.length) {
    cut(&cookies, ';', &cookie);
    cookie = trim(cookie);
    if (!cut(&cookie, '=', &known) || !http_equal(known.at, known.length, name)) continue;
    *length = cookie.length;
    return cookie.at;
  }
  return 0;
}

const char *http_reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return "HTTP Version Not Supported";
  }
}
