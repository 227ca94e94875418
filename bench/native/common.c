/* Shared by the measuring tools: one clock, one histogram, loopback sockets. */
#define _GNU_SOURCE
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void die(const char *what) {
  fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
  exit(1);
}

void usage_error(const char *what, const char *value) {
  fprintf(stderr, "bench: %s: '%s'\n", what, value);
  exit(2);
}

void hist_init(struct hist *h) {
  memset(h, 0, sizeof *h);
  h->bucket = calloc(HIST_BUCKETS, sizeof *h->bucket);
  if (!h->bucket) die("histogram memory");
}

void hist_reset(struct hist *h) {
  memset(h->bucket, 0, HIST_BUCKETS * sizeof *h->bucket);
  h->count = 0;
  h->sum_us = 0;
  h->max_ns = 0;
}

void hist_add(struct hist *h, int64_t ns) {
  if (ns < 0) ns = 0;
  int64_t us = ns / 1000;
  h->bucket[us < HIST_BUCKETS ? us : HIST_BUCKETS - 1]++;
  h->count++;
  h->sum_us += (double)ns / 1000;
  if (ns > h->max_ns) h->max_ns = ns;
}

double hist_quantile_us(const struct hist *h, double q) {
  if (!h->count) return 0;
  uint64_t rank = (uint64_t)(q * (double)h->count), seen = 0;
  if (rank >= h->count) rank = h->count - 1;
  for (int i = 0; i < HIST_BUCKETS; i++) {
    seen += h->bucket[i];
    if (seen > rank) return i;
  }
  return (double)h->max_ns / 1000;
}

void hist_print(FILE *out, const struct hist *h, int with_buckets) {
  double mean = h->count ? h->sum_us / (double)h->count : 0;
  fprintf(out, "{\"count\":%llu,\"mean\":%.3f,\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"max\":%.0f",
          (unsigned long long)h->count, mean, hist_quantile_us(h, 0.5), hist_quantile_us(h, 0.99),
          hist_quantile_us(h, 0.999), (double)h->max_ns / 1000);
  if (with_buckets) {
    const int width = 50;
    fprintf(out, ",\"buckets\":[");
    int first = 1;
    for (int i = 0; i < HIST_BUCKETS; i += width) {
      uint64_t n = 0;
      for (int j = i; j < i + width && j < HIST_BUCKETS; j++) n += h->bucket[j];
      if (!n) continue;
      fprintf(out, "%s[%d,%llu]", first ? "" : ",", i, (unsigned long long)n);
      first = 0;
    }
    fprintf(out, "]");
  }
  fprintf(out, "}");
}

void print_json_string(FILE *out, const char *text, size_t length) {
  fputc('"', out);
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
    else if (c < 0x20 || c >= 0x7f) fprintf(out, "\\u%04x", c);
    else fputc(c, out);
  }
  fputc('"', out);
}

long parse_long(const char *name, const char *text, long min, long max) {
  char *end;
  if (!text) usage_error("value missing for option", name);
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || *end || end == text || value < min || value > max) {
    fprintf(stderr, "bench: %s: '%s' is not an integer from %ld to %ld\n", name, text, min, max);
    exit(2);
  }
  return value;
}

void raise_fd_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) die("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit)) die("setrlimit");
}

void set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) die("fcntl");
}

int listen_loopback(int port, int *bound_port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(fd, (struct sockaddr *)&at, size)) die("bind");
  if (listen(fd, 4096)) die("listen");
  if (getsockname(fd, (struct sockaddr *)&at, &size)) die("getsockname");
  *bound_port = ntohs(at.sin_port);
  set_nonblocking(fd);
  return fd;
}

int connect_loopback(int port, int source_host) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (fd < 0) die("socket");
  struct timeval limit = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (source_host > 0) {
    /* Many short connections: spread over 127.0.1.x, so that the ports waiting out their time do not run dry. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000100u + (uint32_t)(source_host & 0xff))};
    if (bind(fd, (struct sockaddr *)&from, sizeof from)) die("bind source address");
  }
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(fd, (struct sockaddr *)&at, sizeof at)) die("connect to the gateway");
  set_nonblocking(fd);
  return fd;
}

int timer_grid(int64_t first_ns, int64_t period_ns) {
  int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) die("timerfd_create");
  struct itimerspec at = {
      .it_value = {.tv_sec = first_ns / 1000000000, .tv_nsec = first_ns % 1000000000},
      .it_interval = {.tv_sec = period_ns / 1000000000, .tv_nsec = period_ns % 1000000000},
  };
  if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL)) die("timerfd_settime");
  return fd;
}
