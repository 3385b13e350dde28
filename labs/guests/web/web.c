/* A small web server: a page that counts its visits and knows who comes back, and a counter for those who measure. */
#include "../runtime/heap.h"
#include "../runtime/parameters.h"
#include "../runtime/server.h"
#include "../runtime/workload.h"
#include "http.h"
#include "sessions.h"

#define HEAP_OCTETS (1024 * 1024u)
#define RESPONSE_MAX 1536u /* a request is read when there is room for this */

struct parameters parameters = DEFAULT_PARAMETERS;

static u32 visits, counter, requests, errors;

/* What a connection is in the middle of: octets of a body that are thrown away as they come. */
static void skip_body(struct tcp_connection *connection, u32 *left) {
  u32 length;
  tcp_received(connection, &length);
  if (length > *left) length = *left;
  tcp_consume(connection, length);
  *left -= length;
}

struct response {
  int status;
  const char *type;
  char fields[128]; /* of its own, each with its end */
  char body[768];
};

static void make_page(const struct http_request *request, struct response *response) {
  u32 length = 0;
  const char *token = http_cookie(request, "session", &length);
  int is_new;
  struct session *session = session_of(token, length, &is_new);
  if (!session) {
    response->status = 503;
    return;
  }
  if (is_new)
    put_text(put_text(put_text(response->fields, "Set-Cookie: session="), session->token),
             "; Path=/; HttpOnly; SameSite=Lax\r\n");
  char *end = put_text(response->body, "<!doctype html>\n<html lang=\"en\">\n<title>Midstream web</title>\n"
                                       "<h1>It runs</h1>\n<p>Visits of this page: ");
  end = put_number(end, ++visits);
  end = put_number(put_text(end, "</p>\n<p>Yours: "), ++session->visits);
  put_text(end, "</p>\n</html>\n");
  response->type = "text/html; charset=utf-8";
}

static int is_method(const struct http_request *request, const char *method) {
  return http_equal(request->method, request->method_length, method);
}

static int is_path(const struct http_request *request, const char *path) {
  return http_equal(request->path, request->path_length, path);
}

static void answer(const struct http_request *request, struct response *response) {
  int is_get = is_method(request, "GET") || is_method(request, "HEAD");
  *response = (struct response){.status = request->status ? request->status : 200, .type = "text/plain"};
  if (request->status) {
    errors++;
  } else if (!is_path(request, "/") && !is_path(request, "/counter") && !is_path(request, "/health")) {
    response->status = 404;
  } else if (!is_get) {
    response->status = 405;
    put_text(response->fields, "Allow: GET, HEAD\r\n");
  } else if (is_path(request, "/")) {
    make_page(request, response);
  } else {
    put_text(is_path(request, "/health") ? put_text(response->body, "ok") : put_number(response->body, ++counter), "\n");
  }
  if (response->status != 200) put_text(put_text(response->body, http_reason(response->status)), "\n");
}

static void send(struct tcp_connection *connection, const struct http_request *request, const struct response *response) {
  char head[512], *end = put_number(put_text(head, "HTTP/1.1 "), (u32)response->status);
  u32 length = text_length(response->body);
  end = put_text(put_text(put_text(end, " "), http_reason(response->status)), "\r\nServer: midstream\r\nContent-Type: ");
  end = put_text(put_text(end, response->type), "\r\nCache-Control: no-store\r\nContent-Length: ");
  end = put_text(put_number(end, length), "\r\n");
  end = put_text(end, response->fields);
  end = put_text(end, request->keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  tcp_write(connection, head, (u32)(end - head));
  if (request->status || !is_method(request, "HEAD")) tcp_write(connection, response->body, length);
}

static void serve(struct tcp_connection *connection) {
  u32 *left = *tcp_owner(connection), length;
  if (!left) {
    *tcp_owner(connection) = left = heap_alloc(sizeof *left);
    if (!left) {
      tcp_abort(connection);
      return;
    }
    *left = 0;
  }
  while (tcp_room(connection) >= RESPONSE_MAX) {
    skip_body(connection, left);
    const char *octets = (const char *)tcp_received(connection, &length);
    struct http_request request;
    u32 head = *left ? 0 : http_read(octets, length, &request);
    if (!head) {
      if (tcp_peer_ended(connection)) tcp_end(connection);
      return;
    }
    struct response response;
    requests++;
    answer(&request, &response);
    send(connection, &request, &response);
    *left = request.body_length;
    tcp_consume(connection, head);
    if (!request.keep_alive) {
      tcp_end(connection);
      return;
    }
  }
}

static void start(u32 from, u32 to) {
  u32 half = (to - from) / 2 & ~(PAGE - 1), heap = half < HEAP_OCTETS ? half : HEAP_OCTETS;
  heap_start(from, from + heap);
  sessions_start();
  struct workload settings = workload_of_parameters();
  workload_start(from + heap, &settings, now());
}

static u64 work(u64 time) {
  static u32 pages, rate;
  if (pages != parameters.working_set_pages || rate != parameters.pages_per_second) {
    struct workload settings = workload_of_parameters();
    pages = settings.pages, rate = settings.rate;
    workload_set(&settings, time);
  }
  workload_run(time);
  return workload_due(time, ~0ull);
}

static int command(const char *word, const char *rest) {
  (void)rest;
  if (text_equal(word, "stats")) {
    print_pair("requests", requests, "");
    print_pair("not understood", errors, "");
    print_pair("visits", visits, "");
    print_pair("counter", counter, "");
    print_pair("sessions", session_count, "");
    return 1;
  }
  if (text_equal(word, "sessions")) {
    sessions_print();
    return 1;
  }
  return 0;
}

int main(void) {
  static const char *const commands[] = {"stats", "sessions", SERVER_COMMANDS};
  static const struct server web = {.greeting = "web, a small HTTP server",
                                    .prompt = "web> ",
                                    .tcp = {80, serve, heap_free},
                                    .start = start,
                                    .command = command,
                                    .commands = commands,
                                    .help = "stats      requests, visits, the counter\n"
                                            "sessions   cookies given out, and how often each came back\n",
                                    .work = work};
  server_run(&web);
}
