/*
 * The load client: speaks Open Stream as a careful client would, on one thread, and measures what arrives.
 *   monitor    N sessions MONITOR one of M urls each; with --control-us the first also streams CONTROLs on a grid
 *   control    N sessions, one acknowledged CONTROL outstanding each
 *   handshake  N at a time: connect, HANDSHAKE, read the ack, close
 *   idle       N sessions, HANDSHAKE only, held until stdin ends
 *   timer      no network: the timer floor of this machine
 * With --awake 1 it never sleeps: waking a process of the same machine is work for whoever writes to it.
 * Every line on stdout is JSON: {"event":"measuring"} when the window begins, {"event":"result",…} at its end.
 */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (1 << 18)
#define SETUP_AT_ONCE 32
#define AWAY_NS 20000 /* whoever comes back later from giving way, somebody else has worked meanwhile */
/* A subject that drowns before all sessions are in is measured with those it let in; the others count as missing. */
#define SETUP_LIMIT_NS 20000000000

struct options options;
struct counters counters;
enum stage stage = SETUP;

static struct session *sessions;
static int epoll_fd, control_timer = -1, opened, ready, connects;
static int64_t last_send;
static char *read_buffer;

static void announce(const char *event) {
  printf("{\"event\":\"%s\",\"sessions\":%d}\n", event, ready);
  fflush(stdout);
}

static void send_line(struct session *s, const char *line, int length) {
  ssize_t n = send(s->fd, line, (size_t)length, MSG_NOSIGNAL);
  if (n == length) return;
  if (n < 0 && errno == EAGAIN && stage != SETUP) {
    counters.blocked_writes++; /* the gateway does not read: told in the report, and the line is not sent */
    return;
  }
  if (n >= 0) errno = EMSGSIZE;
  die("send to the gateway");
}

static void send_handshake(struct session *s) {
  static const char line[] = "{\"cmd\":\"HANDSHAKE\",\"payload\":{\"major\":1}}\n";
  s->state = GREETED;
  send_line(s, line, sizeof line - 1);
}

static void send_monitor(struct session *s) {
  char line[512], query[32] = "";
  if (options.urls > 1) snprintf(query, sizeof query, "?u=%d", s->index % options.urls);
  int n = snprintf(line, sizeof line,
                   "{\"cmd\":\"MONITOR\",\"payload\":{\"url\":\"%s%s\",\"method\":\"GET\",\"period_ms\":%d}}\n", options.url,
                   query, options.period_ms);
  s->state = ASKED;
  send_line(s, line, n);
}

/* A point of a slow sine around the rest pose: what a 500 Hz trajectory stream really sends. */
static void send_control(struct session *s, const char *extra) {
  char line[512];
  int64_t now = now_ns();
  double swing = 5 * sin(2 * M_PI * 0.2 * (double)(now % 5000000000) / 1e9);
  int n = snprintf(line, sizeof line,
                   "{\"cmd\":\"CONTROL\",\"payload\":{\"url\":\"%s\",\"method\":\"POST\",\"body\":{\"interval\":0.002,"
                   "\"time_from_start\":-1,\"look_ahead_time\":0.04,\"point\":[%.4f,90.0,0.0,0.0,%.4f,0.0]}%s}}\n",
                   options.control_url, swing, -90 + swing, extra);
  s->control_sent_ns = now;
  send_line(s, line, n);
  if (stage != MEASURING) return;
  counters.controls_sent++;
  if (last_send) hist_add(&counters.sends, now - last_send);
  last_send = now;
}

static void open_session(struct session *s) {
  int spread = options.mode == MODE_HANDSHAKE || options.mode == MODE_IDLE;
  s->fd = connect_loopback(options.port, spread ? 1 + connects++ % 64 : 0);
  s->rest_length = 0;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event)) die("epoll_ctl");
  send_handshake(s);
}

static void on_data(struct session *s, const char *line, size_t length, int64_t now) {
  if (options.check_order) {
    const char *at = memmem(line, length, "\"seq\":", 6);
    int64_t sequence = at ? strtoll(at + 6, NULL, 10) : -1;
    if (stage == MEASURING && sequence < s->last_sequence) counters.out_of_order++;
    if (stage == MEASURING && sequence == s->last_sequence) counters.repeated++;
    s->last_sequence = sequence;
    at = memmem(line, length, "\"skipped\":", 10);
    if (at && stage == MEASURING) counters.skipped += strtoull(at + 10, NULL, 10);
  }
  if (stage == MEASURING) {
    counters.lines++;
    if (s->last_data_ns) hist_add(&counters.intervals, now - s->last_data_ns);
    s->last_data_ns = now;
  }
}

static void on_monitor_ack(struct session *s) {
  s->state = RUNNING;
  ready++;
}

static void on_handshake_ack(struct session *s) {
  if (stage == MEASURING) counters.handshakes++;
  switch (options.mode) {
    case MODE_MONITOR: send_monitor(s); return;
    case MODE_CONTROL: send_control(s, ",\"ack\":true"); break;
    case MODE_HANDSHAKE:
      close(s->fd);
      open_session(s);
      if (ready < options.sessions) ready++;
      return;
    default: break;
  }
  s->state = RUNNING;
  ready++;
}

static void on_control_ack(struct session *s, int64_t now) {
  if (stage == MEASURING) {
    counters.acks++;
    hist_add(&counters.latencies, now - s->control_sent_ns);
  }
  if (options.mode == MODE_CONTROL && stage != DONE) send_control(s, ",\"ack\":true");
}

static void on_failure(struct session *s, const char *line, size_t length, int64_t now) {
  int control = length > 20 && !memcmp(line, "{\"type\":\"control_err\"", 20);
  if (control) counters.control_errors++;
  else counters.errors++;
  if (!*counters.first_error) snprintf(counters.first_error, sizeof counters.first_error, "%.*s", (int)length, line);
  if (stage == SETUP && !control) {
    fprintf(stderr, "bench client: refused while setting up: %s\n", counters.first_error);
    exit(1);
  }
  if (control) on_control_ack(s, now);
}

static void on_line(struct session *s, const char *line, size_t length, int64_t now) {
  static const char type[] = "{\"type\":\"";
  const char *name = line + sizeof type - 1;
  size_t left = length > sizeof type ? length - sizeof type + 1 : 0;
  if (!left || memcmp(line, type, sizeof type - 1)) on_failure(s, line, length, now);
  else if (left > 5 && !memcmp(name, "data\"", 5)) on_data(s, line, length, now);
  else if (left > 12 && !memcmp(name, "control_ack\"", 12)) on_control_ack(s, now);
  else if (left > 12 && !memcmp(name, "monitor_ack\"", 12)) on_monitor_ack(s);
  else if (left > 14 && !memcmp(name, "handshake_ack\"", 14)) on_handshake_ack(s);
  else if (left > 12 && !memcmp(name, "control_err\"", 12)) on_failure(s, line, length, now);
  else counters.unknown++;
}

static void on_readable(struct session *s) {
  memcpy(read_buffer, s->rest, s->rest_length);
  ssize_t n = recv(s->fd, read_buffer + s->rest_length, READ_SIZE - s->rest_length, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    fprintf(stderr, "bench client: the gateway ended session %d; first error: %s\n", s->index, counters.first_error);
    exit(1);
  }
  int64_t now = now_ns();
  int fd = s->fd;
  if (stage == MEASURING) counters.bytes += (uint64_t)n;
  char *at = read_buffer, *end = read_buffer + s->rest_length + n, *newline;
  while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
    on_line(s, at, (size_t)(newline - at), now);
    if (s->fd != fd || options.mode == MODE_HANDSHAKE) return;
    at = newline + 1;
  }
  size_t rest = (size_t)(end - at);
  if (rest == READ_SIZE) die("a line longer than the client's buffer");
  if (rest && !(s->rest = realloc(s->rest, rest))) die("memory for an unfinished line");
  memcpy(s->rest, at, rest);
  s->rest_length = rest;
}

static void on_control_timer(void) {
  uint64_t ticks;
  if (read(control_timer, &ticks, sizeof ticks) != sizeof ticks) return;
  while (ticks--) send_control(&sessions[0], "");
}

static void start_control_timer(void) {
  control_timer = timer_grid(now_ns() + options.control_ns, options.control_ns);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, control_timer, &event)) die("epoll_ctl timer");
}

/* Moves from set-up to warm-up to the measuring window; returns the time of the next move. */
static int64_t advance(int64_t next) {
  int64_t now = now_ns();
  if (stage == SETUP) {
    while (opened < options.sessions && opened - ready < SETUP_AT_ONCE) open_session(&sessions[opened++]);
    if (ready < options.sessions && now < next) return next;
    if (!ready) die("no session could be set up");
    if (options.mode == MODE_IDLE) {
      announce("holding");
      while (getchar() != EOF) continue;
      exit(0);
    }
    if (options.control_ns) start_control_timer();
    stage = WARMUP;
    return now + options.warmup_ns;
  }
  if (now < next) return next;
  if (stage == WARMUP) {
    stage = MEASURING;
    announce("measuring");
    return now_ns() + options.window_ns;
  }
  stage = DONE;
  return next;
}

/* Nothing has come: the backend has this core, too. */
static void give_way(int64_t asked) {
  sched_yield();
  int64_t idle = now_ns() - asked;
  if (stage == MEASURING && idle < AWAY_NS) counters.idle_ns += (uint64_t)idle;
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  raise_fd_limit();
  hist_init(&counters.intervals);
  hist_init(&counters.latencies);
  hist_init(&counters.sends);
  if (options.mode == MODE_TIMER) {
    announce("measuring");
    run_timer();
    return 0;
  }
  sessions = calloc((size_t)options.sessions, sizeof *sessions);
  read_buffer = malloc(READ_SIZE);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (!sessions || !read_buffer || epoll_fd < 0) die("start");
  for (int i = 0; i < options.sessions; i++) sessions[i].index = i;

  int64_t next = now_ns() + SETUP_LIMIT_NS, began = 0;
  for (;;) {
    next = advance(next);
    if (stage == MEASURING && !began) began = now_ns();
    if (stage == DONE) break;
    int64_t wait = options.awake ? 0 : (next - now_ns()) / 1000000 + 1;
    struct epoll_event events[512];
    int64_t asked = options.awake ? now_ns() : 0;
    int n = epoll_wait(epoll_fd, events, 512, wait < 0 ? 0 : wait > 1000 ? 1000 : (int)wait);
    if (n < 0 && errno != EINTR) die("epoll_wait");
    if (options.awake && n == 0) give_way(asked);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr) on_readable(events[i].data.ptr);
      else on_control_timer();
    }
  }
  counters.sessions_ready = (uint64_t)ready;
  report((double)(now_ns() - began) / 1e9);
  return 0;
}
