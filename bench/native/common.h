/* Shared by the measuring tools: one clock, one histogram, loopback sockets. No tool here knows the gateway's code. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Microsecond buckets up to HIST_BUCKETS us; anything later is counted in the last bucket, its true value in max. */
#define HIST_BUCKETS 400000

struct hist {
  uint32_t *bucket;
  uint64_t count;
  double sum_us;
  int64_t max_ns;
};

int64_t now_ns(void);
_Noreturn void die(const char *what);
_Noreturn void usage_error(const char *what, const char *value);

void hist_init(struct hist *h);
void hist_reset(struct hist *h);
void hist_add(struct hist *h, int64_t ns);
double hist_quantile_us(const struct hist *h, double q);
/* Prints {"count":…,"mean":…,"p50":…,"p99":…,"p999":…,"max":…[,"buckets":[[us,count]…]]}, all in microseconds. */
void hist_print(FILE *out, const struct hist *h, int with_buckets);
void print_json_string(FILE *out, const char *text, size_t length);

long parse_long(const char *name, const char *text, long min, long max);
void raise_fd_limit(void);
int listen_loopback(int port, int *bound_port);
/* Connects (blocking: on loopback that is immediate), then makes the socket non-blocking. Dies with a reason. */
int connect_loopback(int port, int source_host);
void set_nonblocking(int fd);
/* A timerfd that fires on the absolute grid first_ns + k * period_ns of CLOCK_MONOTONIC. */
int timer_grid(int64_t first_ns, int64_t period_ns);

#endif
