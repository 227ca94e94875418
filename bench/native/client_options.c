/* The load client's command line, its report, and the bare timer it can run instead of a load. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static const char *const modes[] = {"monitor", "control", "handshake", "idle", "timer"};

static enum mode parse_mode(const char *text) {
  for (int i = 0; text && i < 5; i++)
    if (!strcmp(text, modes[i])) return (enum mode)i;
  usage_error("--mode is one of monitor, control, handshake, idle, timer", text ? text : "");
}

void parse_options(int argc, char **argv) {
  options = (struct options){.mode = MODE_MONITOR, .sessions = 1, .urls = 1, .period_ms = 2,
                             .warmup_ns = 1000000000, .window_ns = 10000000000,
                             .url = "/project/robot/joints/joint_states",
                             .control_url = "/project/robot/trajectory/joint_traject_insert_point"};
  for (int i = 1; i < argc; i += 2) {
    const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!strcmp(name, "--mode")) options.mode = parse_mode(value);
    else if (!strcmp(name, "--port")) options.port = (int)parse_long(name, value, 1, 65535);
    else if (!strcmp(name, "--sessions")) options.sessions = (int)parse_long(name, value, 1, 50000);
    else if (!strcmp(name, "--urls")) options.urls = (int)parse_long(name, value, 1, 50000);
    else if (!strcmp(name, "--period-ms")) options.period_ms = (int)parse_long(name, value, 2, 30000);
    else if (!strcmp(name, "--control-us")) options.control_ns = parse_long(name, value, 0, 10000000) * 1000;
    else if (!strcmp(name, "--warmup-ms")) options.warmup_ns = parse_long(name, value, 0, 600000) * 1000000;
    else if (!strcmp(name, "--window-ms")) options.window_ns = parse_long(name, value, 10, 3600000) * 1000000;
    else if (!strcmp(name, "--check-order")) options.check_order = (int)parse_long(name, value, 0, 1);
    else if (!strcmp(name, "--awake")) options.awake = (int)parse_long(name, value, 0, 1);
    else if (!strcmp(name, "--url") && value) options.url = value;
    else if (!strcmp(name, "--control-url") && value) options.control_url = value;
    else usage_error("unknown option", name);
  }
  if (!options.port && options.mode != MODE_TIMER) usage_error("--port is needed", "");
}

void report(double seconds) {
  const struct counters *c = &counters;
  double expected = seconds * 1000 / options.period_ms * options.sessions;
  printf("{\"event\":\"result\",\"mode\":\"%s\",\"sessions\":%d,\"urls\":%d,\"period_ms\":%d,\"window_s\":%.4f,",
         modes[options.mode], options.sessions, options.urls, options.period_ms, seconds);
  printf("\"sessions_ready\":%llu,", (unsigned long long)c->sessions_ready);
  printf("\"lines\":%llu,\"expected\":%.0f,\"missing_pct\":%.4f,\"bytes\":%llu,", (unsigned long long)c->lines, expected,
         expected > 0 && (double)c->lines < expected ? 100 * (1 - (double)c->lines / expected) : 0, (unsigned long long)c->bytes);
  printf("\"acks\":%llu,\"handshakes\":%llu,\"controls_sent\":%llu,\"errors\":%llu,\"control_errors\":%llu,\"unknown\":%llu,",
         (unsigned long long)c->acks, (unsigned long long)c->handshakes, (unsigned long long)c->controls_sent,
         (unsigned long long)c->errors, (unsigned long long)c->control_errors, (unsigned long long)c->unknown);
  printf("\"out_of_order\":%llu,\"repeated\":%llu,\"skipped\":%llu,\"blocked_writes\":%llu,\"idle_pct\":%.2f,\"first_error\":",
         (unsigned long long)c->out_of_order, (unsigned long long)c->repeated, (unsigned long long)c->skipped,
         (unsigned long long)c->blocked_writes, (double)c->idle_ns / seconds / 1e7);
  print_json_string(stdout, c->first_error, strlen(c->first_error));
  printf(",\"interval_us\":");
  hist_print(stdout, &c->intervals, 1);
  printf(",\"latency_us\":");
  hist_print(stdout, &c->latencies, 0);
  printf(",\"send_interval_us\":");
  hist_print(stdout, &c->sends, 0);
  printf("}\n");
  fflush(stdout);
}

/* The floor of the machine itself: a thread that sleeps to absolute deadlines and does nothing else. */
void run_timer(void) {
  int64_t period = (int64_t)options.period_ms * 1000000, start = now_ns() + period, last = 0;
  for (int64_t due = start; due <= start + options.window_ns; due += period) {
    struct timespec at = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) continue;
    int64_t now = now_ns();
    if (last) {
      counters.lines++;
      hist_add(&counters.intervals, now - last);
    }
    last = now;
    while (due + period <= now) due += period; /* a deadline slept through is void */
  }
  report((double)options.window_ns / 1e9);
}
