/*
 * The floor: what the same wire and the same work cost in C with epoll, polls shared, one thread, nothing checked. It
 * trusts its client completely and is no gateway; it shows how much of a figure is the kernel's and the load's.
 * Environment like the others': PORT, BACKEND_URL (http://127.0.0.1:<port>).
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536
#define MAX_POLLS 1024
#define MAX_READERS 4096

enum kind { LISTENER, SESSION, TIMER, POLL_LINK, CONTROL_LINK };

struct source {
  enum kind kind;
  int fd;
};

/* A keep-alive connection to the backend with at most one request in flight. */
struct link {
  struct source source;
  void *owner;
  int busy;
  int64_t sent_ns;
  size_t length;
  char answer[4096];
};

struct session {
  struct source source;
  struct link *link; /* made by the first CONTROL */
  size_t length, waiting_length, waiting_size;
  int ack;
  char *rest, *waiting; /* an unfinished line; CONTROL lines behind the one in flight */
};

struct poll {
  struct source timer;
  struct link link;
  char url[256];
  long period_ms;
  int readers;
  struct session *reader[MAX_READERS];
};

static struct poll *polls[MAX_POLLS];
static int poll_count, epoll_fd, backend_port;
static char scratch[READ_SIZE * 2];

static void watch(struct source *source) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event)) die("epoll_ctl");
}

static void open_link(struct link *link, enum kind kind, void *owner) {
  link->source = (struct source){.kind = kind, .fd = connect_loopback(backend_port, 0)};
  link->owner = owner;
  watch(&link->source);
}

static void request(struct link *link, const char *bytes, int length) {
  link->busy = 1;
  link->length = 0;
  link->sent_ns = now_ns();
  if (send(link->source.fd, bytes, (size_t)length, MSG_NOSIGNAL) != length) die("send to the backend");
}

/* Reads what there is; returns the body once the answer is complete, else NULL. */
static char *read_answer(struct link *link, size_t *size) {
  ssize_t n = recv(link->source.fd, link->answer + link->length, sizeof link->answer - 1 - link->length, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return NULL;
  if (n <= 0) exit(0); /* the backend goes when a run is over, and so does this */
  link->length += (size_t)n;
  link->answer[link->length] = 0;
  char *body = strstr(link->answer, "\r\n\r\n"), *length = strcasestr(link->answer, "content-length:");
  if (!body || !length) return NULL;
  body += 4;
  *size = strtoul(length + 15, NULL, 10);
  if ((size_t)(link->answer + link->length - body) < *size) return NULL;
  link->busy = 0;
  return body;
}

static void say(struct session *s, const char *line, size_t length) {
  /* A full socket loses the line: this is a floor, not a gateway. */
  if (s->source.fd >= 0 && send(s->source.fd, line, length, MSG_NOSIGNAL) < 0 && errno != EAGAIN) return;
}

static void on_tick(struct poll *p) {
  uint64_t ticks;
  if (read(p->timer.fd, &ticks, sizeof ticks) < 0 || p->link.busy || !p->readers) return;
  char head[512];
  int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", p->url);
  request(&p->link, head, n);
}

static void on_poll_answer(struct poll *p) {
  size_t size;
  char *body = read_answer(&p->link, &size);
  if (!body) return;
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  int n = snprintf(scratch, sizeof scratch, "{\"type\":\"data\",\"ts\":%lld,\"svc_dur_ms\":%.3f,\"result\":%.*s}\n",
                   (long long)wall.tv_sec * 1000 + wall.tv_nsec / 1000000, (double)(now_ns() - p->link.sent_ns) / 1e6,
                   (int)size, body);
  for (int i = 0; i < p->readers; i++) say(p->reader[i], scratch, (size_t)n);
}

/* The text of a member, up to its closing quote; the client is known and sends no escapes. */
static const char *member(const char *line, const char *name, int *length) {
  const char *at = strstr(line, name);
  if (!at) die("a command without the member looked for");
  at += strlen(name);
  *length = (int)(strchr(at, '"') - at);
  return at;
}

static void start_monitor(struct session *s, const char *line) {
  int length;
  const char *url = member(line, "\"url\":\"", &length);
  long period = strtol(strstr(line, "\"period_ms\":") + 12, NULL, 10);
  static const char ack[] = "{\"type\":\"monitor_ack\"}\n";
  say(s, ack, sizeof ack - 1);
  struct poll *p = NULL;
  for (int i = 0; i < poll_count && !p; i++)
    if (polls[i]->period_ms == period && (int)strlen(polls[i]->url) == length && !memcmp(polls[i]->url, url, (size_t)length)) p = polls[i];
  if (!p) {
    if (poll_count == MAX_POLLS || !(p = polls[poll_count++] = calloc(1, sizeof *p))) die("memory for a poll");
    snprintf(p->url, sizeof p->url, "%.*s", length, url);
    p->period_ms = period;
    open_link(&p->link, POLL_LINK, p);
    p->timer = (struct source){.kind = TIMER, .fd = timer_grid(now_ns() + 1, period * 1000000)};
    watch(&p->timer);
  }
  if (p->readers < MAX_READERS) p->reader[p->readers++] = s;
}

static void relay(struct session *s, const char *line, size_t size) {
  if (!s->link) {
    if (!(s->link = calloc(1, sizeof *s->link))) die("memory for a connection");
    open_link(s->link, CONTROL_LINK, s);
  }
  if (s->link->busy) {
    while (s->waiting_length + size + 1 > s->waiting_size)
      if (!(s->waiting = realloc(s->waiting, s->waiting_size = 2 * (s->waiting_size + 4096)))) die("memory for waiting CONTROLs");
    memcpy(s->waiting + s->waiting_length, line, size);
    s->waiting[s->waiting_length + size] = '\n';
    s->waiting_length += size + 1;
    return;
  }
  int url_length, depth = 0, n;
  const char *url = member(line, "\"url\":\"", &url_length), *body = strstr(line, "\"body\":") + 7, *end = body;
  do depth += (*end == '{') - (*end == '}');
  while (end++, depth);
  s->ack = strstr(end, "\"ack\":true") != NULL;
  n = snprintf(scratch, sizeof scratch,
               "POST %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%.*s",
               url_length, url, (int)(end - body), (int)(end - body), body);
  request(s->link, scratch, n);
}

static void on_control_answer(struct session *s) {
  size_t size;
  if (!read_answer(s->link, &size)) return;
  if (s->ack) {
    int n = snprintf(scratch, sizeof scratch, "{\"type\":\"control_ack\",\"status\":200,\"svc_dur_ms\":%.3f}\n",
                     (double)(now_ns() - s->link->sent_ns) / 1e6);
    say(s, scratch, (size_t)n);
  }
  char *newline = s->waiting_length ? memchr(s->waiting, '\n', s->waiting_length) : NULL;
  if (!newline) return;
  *newline = 0;
  relay(s, s->waiting, (size_t)(newline - s->waiting));
  s->waiting_length -= (size_t)(newline + 1 - s->waiting);
  memmove(s->waiting, newline + 1, s->waiting_length);
}

static void on_line(struct session *s, char *line, size_t size) {
  static const char ack[] = "{\"type\":\"handshake_ack\",\"ok\":true,\"version\":\"1.0.0\"}\n";
  if (!memcmp(line + 8, "HANDSHAKE", 9)) say(s, ack, sizeof ack - 1);
  else if (!memcmp(line + 8, "MONITOR", 7)) start_monitor(s, line);
  else if (!memcmp(line + 8, "CONTROL", 7)) relay(s, line, size);
}

static void end_session(struct session *s) {
  close(s->source.fd);
  s->source.fd = -1;
  int kept = 0;
  for (int i = 0; i < poll_count; i++) {
    struct poll *p = polls[i];
    for (int j = 0; j < p->readers; j++)
      if (p->reader[j] == s) p->reader[j--] = p->reader[--p->readers];
  }
  if (s->link && s->link->busy) kept = 1; /* its answer still comes: a few bytes are lost, once per session */
  if (s->link && !kept) {
    close(s->link->source.fd);
    free(s->link);
  }
  free(s->rest);
  free(s->waiting);
  s->rest = s->waiting = NULL;
  s->waiting_length = 0;
  if (!kept) free(s);
}

static void on_readable(struct session *s) {
  static char buffer[READ_SIZE * 2];
  memcpy(buffer, s->rest, s->length);
  ssize_t n = recv(s->source.fd, buffer + s->length, READ_SIZE, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    end_session(s);
    return;
  }
  char *at = buffer, *end = buffer + s->length + n, *newline;
  while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
    *newline = 0;
    on_line(s, at, (size_t)(newline - at));
    at = newline + 1;
  }
  s->length = (size_t)(end - at);
  if (s->length > READ_SIZE || (s->length && !(s->rest = realloc(s->rest, s->length)))) die("an unfinished line");
  memcpy(s->rest, at, s->length);
}

static void on_connection(int listener) {
  int fd, one = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct session *s = calloc(1, sizeof *s);
    if (!s) die("memory for a session");
    s->source = (struct source){.kind = SESSION, .fd = fd};
    watch(&s->source);
  }
  if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) die("accept");
}

int main(void) {
  const char *port = getenv("PORT"), *url = getenv("BACKEND_URL");
  int bound;
  if (!url || strncmp(url, "http://127.0.0.1:", 17)) usage_error("BACKEND_URL is http://127.0.0.1:<port>", url ? url : "");
  backend_port = (int)parse_long("BACKEND_URL", url + 17, 1, 65535);
  raise_fd_limit();
  signal(SIGPIPE, SIG_IGN);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1");
  struct source listener = {.kind = LISTENER, .fd = listen_loopback((int)parse_long("PORT", port, 1, 65535), &bound)};
  watch(&listener);
  for (;;) {
    /* One event at a time: an event may end the session that a later one of the same batch belongs to. */
    struct epoll_event event;
    if (epoll_wait(epoll_fd, &event, 1, -1) < 1) continue;
    struct source *source = event.data.ptr;
    switch (source->kind) {
      case LISTENER: on_connection(source->fd); break;
      case SESSION: on_readable((struct session *)source); break;
      case TIMER: on_tick((struct poll *)source); break;
      case POLL_LINK: on_poll_answer(((struct link *)source)->owner); break;
      case CONTROL_LINK: on_control_answer(((struct link *)source)->owner); break;
    }
  }
}
