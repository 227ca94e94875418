/* What the load client's files share: its options, its sessions and its counters. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "common.h"

enum mode { MODE_MONITOR, MODE_CONTROL, MODE_HANDSHAKE, MODE_IDLE, MODE_TIMER };
enum stage { SETUP, WARMUP, MEASURING, DONE };
enum session_state { UNUSED, GREETED, ASKED, RUNNING };

struct options {
  enum mode mode;
  int port, sessions, urls, period_ms, check_order, awake;
  int64_t control_ns, warmup_ns, window_ns;
  const char *url, *control_url;
};

struct session {
  int fd, index;
  enum session_state state;
  int64_t last_data_ns, control_sent_ns, last_sequence;
  char *rest; /* the unfinished last line */
  size_t rest_length;
};

struct counters {
  uint64_t sessions_ready, lines, bytes, acks, handshakes, controls_sent, errors, control_errors, unknown;
  uint64_t out_of_order, repeated, skipped, blocked_writes, idle_ns;
  char first_error[400];
  struct hist intervals, latencies, sends;
};

extern struct options options;
extern struct counters counters;
extern enum stage stage;

void parse_options(int argc, char **argv);
void report(double seconds);
void run_timer(void);

#endif
