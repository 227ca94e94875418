/*
 * The REST backend of the measurements: HTTP/1.1 keep-alive on loopback, one thread, epoll. GET answers a robot's joint
 * states (about 165 bytes, with a sequence number; 215 with --long 1), everything else 200 without a body. It answers after --delay-us
 * (± --spread-us, so that later requests overtake earlier ones) without holding up other requests, and notes when each CONTROL arrived.
 * SIGUSR1 begins a new measuring window; SIGTERM prints the result as one JSON line and ends.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BUFFER 32768
#define MAX_FDS 65536
#define MAX_SECONDS 3600

struct conn {
  uint32_t generation;
  size_t length;   /* unparsed bytes in buffer */
  size_t body_due; /* bytes of a request body still to be thrown away */
  int64_t last_due;
  char *buffer;
};

struct answer {
  int64_t due_ns;
  int fd;
  uint32_t generation;
  int is_get;
  uint64_t sequence;
};

static struct conn conns[MAX_FDS];
static struct answer *waiting; /* a ring, the next one due at its head */
static size_t waiting_size = 1024, waiting_head, waiting_count;
static int epoll_fd, delay_fd;
static int64_t delay_ns, spread_ns, window_start, last_get, last_control;
/* More members than a controller sends: from 269 bytes on the lines of a monitor cost the kernel more (bench/README.md). */
#define MORE_MEMBERS "\"mechinfo\":1,\"crd\":\"joint\",\"nsync\":0,\"unit\":\"deg\","
static const char *more_members = "";
static uint64_t gets, controls, sequence, connections_opened;
static uint32_t gets_per_second[MAX_SECONDS];
static struct hist get_arrivals, control_arrivals;

static void begin_window(void) {
  window_start = now_ns();
  last_get = last_control = 0;
  gets = controls = 0;
  memset(gets_per_second, 0, sizeof gets_per_second);
  hist_reset(&get_arrivals);
  hist_reset(&control_arrivals);
}

static void report(void) {
  int64_t seconds = (now_ns() - window_start) / 1000000000;
  printf("{\"event\":\"result\",\"window_s\":%.3f,\"gets\":%llu,\"controls\":%llu,\"connections_opened\":%llu,",
         (double)(now_ns() - window_start) / 1e9, (unsigned long long)gets, (unsigned long long)controls,
         (unsigned long long)connections_opened);
  printf("\"get_arrivals_us\":");
  hist_print(stdout, &get_arrivals, 0);
  printf(",\"control_arrivals_us\":");
  hist_print(stdout, &control_arrivals, 1);
  printf(",\"gets_per_second\":[");
  for (int64_t i = 0; i < seconds && i < MAX_SECONDS; i++) printf("%s%u", i ? "," : "", gets_per_second[i]);
  printf("]}\n");
  fflush(stdout);
}

static void drop(int fd) {
  conns[fd].generation++;
  free(conns[fd].buffer);
  conns[fd].buffer = NULL;
  close(fd);
}

static void send_answer(int fd, int is_get, uint64_t seq) {
  static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  char body[512], head[768];
  const char *bytes = empty;
  size_t length = sizeof empty - 1;
  if (is_get) {
    int size = snprintf(body, sizeof body,
                        "{\"_type\":\"JObject\",\"position\":[0.0,90.0,-0.0,12.25,-90.0,0.125],"
                        "\"effort\":[1.5,-22.75,14.0,0.0,3.125,-0.5],\"velocity\":[0.0,0.0,-0.0,15.5,0.0,2.25],"
                        "%s\"seq\":%llu}", more_members, (unsigned long long)seq);
    length = (size_t)snprintf(head, sizeof head,
                              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", size, body);
    bytes = head;
  }
  /* A few hundred bytes into an empty loopback socket: a peer that lets them pile up is cut off, not waited for. */
  if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) drop(fd);
}

static void arm_delay(void) {
  int64_t due = waiting_count ? waiting[waiting_head].due_ns : 0;
  struct itimerspec at = {.it_value = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000}};
  if (timerfd_settime(delay_fd, TFD_TIMER_ABSTIME, &at, NULL)) die("timerfd_settime");
}

static void grow_waiting(void) {
  struct answer *bigger = malloc(2 * waiting_size * sizeof *bigger);
  if (!bigger) die("memory for delayed answers");
  for (size_t i = 0; i < waiting_count; i++) bigger[i] = waiting[(waiting_head + i) % waiting_size];
  free(waiting);
  waiting = bigger;
  waiting_head = 0;
  waiting_size *= 2;
}

/* delay ± spread, from a fixed seed: every subject meets the same sequence. */
static int64_t next_delay(void) {
  static uint64_t state = 88172645463325252u;
  if (!spread_ns) return delay_ns;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return delay_ns - spread_ns + (int64_t)(state % (uint64_t)(2 * spread_ns + 1));
}

static void answer_later(int fd, int is_get, uint64_t seq, int64_t now) {
  if (waiting_count == waiting_size) grow_waiting();
  int64_t due = now + next_delay();
  if (due < conns[fd].last_due) due = conns[fd].last_due; /* HTTP: answers on one connection keep their order */
  conns[fd].last_due = due;
  size_t at = waiting_count++;
  for (; at > 0 && waiting[(waiting_head + at - 1) % waiting_size].due_ns > due; at--)
    waiting[(waiting_head + at) % waiting_size] = waiting[(waiting_head + at - 1) % waiting_size];
  waiting[(waiting_head + at) % waiting_size] =
      (struct answer){.due_ns = due, .fd = fd, .generation = conns[fd].generation, .is_get = is_get, .sequence = seq};
  if (at == 0) arm_delay();
}

static void answer_due(void) {
  uint64_t ticks;
  if (read(delay_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) die("read timerfd");
  int64_t now = now_ns();
  while (waiting_count && waiting[waiting_head].due_ns <= now) {
    struct answer a = waiting[waiting_head];
    waiting_head = (waiting_head + 1) % waiting_size;
    waiting_count--;
    if (conns[a.fd].generation == a.generation && conns[a.fd].buffer) send_answer(a.fd, a.is_get, a.sequence);
  }
  arm_delay();
}

static void on_request(int fd, int is_get) {
  int64_t now = now_ns();
  uint64_t seq = ++sequence;
  if (is_get) {
    gets++;
    int64_t second = (now - window_start) / 1000000000;
    if (second >= 0 && second < MAX_SECONDS) gets_per_second[second]++;
    if (last_get) hist_add(&get_arrivals, now - last_get);
    last_get = now;
  } else {
    controls++;
    if (last_control) hist_add(&control_arrivals, now - last_control);
    last_control = now;
  }
  if (delay_ns) answer_later(fd, is_get, seq, now);
  else send_answer(fd, is_get, seq);
}

/* Returns the Content-Length of a request head, or dies: a gateway that sends something else is measured wrongly. */
static size_t content_length(const char *head, size_t length) {
  const char *end = head + length;
  for (const char *line = memchr(head, '\n', length); line && line + 1 < end; line = memchr(line, '\n', (size_t)(end - line))) {
    line++;
    if (end - line > 15 && !strncasecmp(line, "content-length:", 15)) return strtoul(line + 15, NULL, 10);
    if (end - line > 18 && !strncasecmp(line, "transfer-encoding:", 18)) {
      fprintf(stderr, "bench backend: request with Transfer-Encoding; this backend reads Content-Length only\n");
      exit(1);
    }
  }
  return 0;
}

static void consume(int fd) {
  struct conn *c = &conns[fd];
  uint32_t generation = c->generation;
  size_t at = 0;
  while (at < c->length) {
    if (c->body_due) {
      size_t take = c->length - at < c->body_due ? c->length - at : c->body_due;
      at += take;
      c->body_due -= take;
      continue;
    }
    char *end = memmem(c->buffer + at, c->length - at, "\r\n\r\n", 4);
    if (!end) break;
    size_t head = (size_t)(end + 4 - (c->buffer + at));
    int is_get = !memcmp(c->buffer + at, "GET ", 4);
    c->body_due = is_get ? 0 : content_length(c->buffer + at, head);
    at += head;
    on_request(fd, is_get);
    if (c->generation != generation) return;
  }
  c->length -= at;
  memmove(c->buffer, c->buffer + at, c->length);
  if (c->length == BUFFER) drop(fd);
}

static void on_readable(int fd) {
  struct conn *c = &conns[fd];
  ssize_t n = recv(fd, c->buffer + c->length, BUFFER - c->length, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    drop(fd);
    return;
  }
  c->length += (size_t)n;
  consume(fd);
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static void on_connection(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (fd < 0) {
      if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
      die("accept");
    }
    if (fd >= MAX_FDS) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conns[fd].length = conns[fd].body_due = 0;
    conns[fd].last_due = 0;
    conns[fd].buffer = malloc(BUFFER);
    if (!conns[fd].buffer) die("connection memory");
    connections_opened++;
    watch(fd);
  }
}

int main(int argc, char **argv) {
  int port = 0, bound;
  for (int i = 1; i < argc; i += 2) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(argv[i], "--port")) port = (int)parse_long(argv[i], value, 0, 65535);
    else if (!strcmp(argv[i], "--delay-us")) delay_ns = parse_long(argv[i], value, 0, 10000000) * 1000;
    else if (!strcmp(argv[i], "--spread-us")) spread_ns = parse_long(argv[i], value, 0, 10000000) * 1000;
    else if (!strcmp(argv[i], "--long")) more_members = parse_long(argv[i], value, 0, 1) ? MORE_MEMBERS : "";
    else usage_error("unknown option", argv[i]);
  }
  if (spread_ns > delay_ns) usage_error("--spread-us may not exceed --delay-us", "");
  raise_fd_limit();
  waiting = malloc(waiting_size * sizeof *waiting);
  if (!waiting) die("memory for delayed answers");
  hist_init(&get_arrivals);
  hist_init(&control_arrivals);
  begin_window();

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_IGN);

  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_loopback(port, &bound), signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
  delay_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (epoll_fd < 0 || signal_fd < 0 || delay_fd < 0) die("epoll, signalfd or timerfd");
  watch(listener);
  watch(signal_fd);
  watch(delay_fd);
  printf("{\"event\":\"listening\",\"port\":%d}\n", bound);
  fflush(stdout);

  for (;;) {
    struct epoll_event events[256];
    int n = epoll_wait(epoll_fd, events, 256, -1);
    if (n < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) on_connection(listener);
      else if (fd == delay_fd) answer_due();
      else if (fd == signal_fd) {
        struct signalfd_siginfo info;
        if (read(signal_fd, &info, sizeof info) != sizeof info) die("read signalfd");
        if (info.ssi_signo != SIGUSR1) {
          report();
          return 0;
        }
        begin_window();
        printf("{\"event\":\"window\"}\n");
        fflush(stdout);
      } else if (conns[fd].buffer) on_readable(fd);
    }
  }
}
