// The timer floor of Node on this machine: a loop on absolute deadlines that does nothing else, on the gateway's core.
// Its figures stand beside every MONITOR interval, because no poll can be more punctual than the timer that starts it.
import { createHistogram } from '../support/histogram.ts';

const periodMs = Number(process.argv[2] ?? 2);
const warmupMs = Number(process.argv[3] ?? 500);
const windowMs = Number(process.argv[4] ?? 10_000);
const intervals = createHistogram();
const start = performance.now();
let k = 0;
let last = 0;

function finish(): void {
  const expected = windowMs / periodMs;
  const { count } = intervals.figures();
  const missing = Math.max(0, 100 * (1 - count / expected));
  const result = { event: 'result', lines: count, expected, missing_pct: missing, interval_us: intervals.figures() };
  console.log(JSON.stringify(result));
}

function tick(): void {
  const now = performance.now();
  if (now - start >= warmupMs + windowMs) {
    finish();
    return;
  }
  if (now - start >= warmupMs) {
    if (last > 0) intervals.add((now - last) * 1000);
    last = now;
  }
  k = Math.max(k + 1, Math.ceil((now - start) / periodMs));
  setTimeout(tick, start + k * periodMs - now);
}

console.log(JSON.stringify({ event: 'measuring' }));
tick();
