// The picture: how often each interval between two data lines occurred, one panel per column, counts on a log scale.
import type { IntervalFigures } from './histogram.ts';

export interface Panel {
  title: string;
  intervals: IntervalFigures;
}

const WIDTH = 860;
const PANEL = 130;
const LEFT = 56;
const RIGHT = 16;
const TOP = 56;
const MAX_MS = 10;
const BAR_MS = 0.05;

const escapeXml = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const round = (value: number) => Number(value.toFixed(1));

/** One SVG document; `caption` says what was run. Intervals beyond 10 ms are drawn at the right edge and counted there. */
export function intervalPicture(caption: string, panels: readonly Panel[]): string {
  const height = TOP + panels.length * (PANEL + 34) + 24;
  const plot = WIDTH - LEFT - RIGHT;
  const x = (ms: number) => LEFT + (Math.min(ms, MAX_MS) / MAX_MS) * plot;
  const top = Math.max(...panels.flatMap(({ intervals }) => (intervals.buckets ?? []).map(([, count]) => count)), 10);
  const decades = Math.ceil(Math.log10(top));
  const barHeight = (count: number) => ((Math.log10(count) + 0.15) / (decades + 0.15)) * PANEL;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="15">${escapeXml(caption)}</text>`,
  ];
  panels.forEach(({ title, intervals }, index) => {
    const base = TOP + index * (PANEL + 34) + PANEL;
    const inMs = (us: number) => (us / 1000).toFixed(2);
    const figures = `mean ${(intervals.mean / 1000).toFixed(4)}  p99 ${inMs(intervals.p99)}  p99.9 ${inMs(intervals.p999)}  max ${inMs(intervals.max)} ms`;
    out.push(`<text x="${LEFT}" y="${base - PANEL - 4}">${escapeXml(title)}</text>`);
    out.push(`<text x="${WIDTH - RIGHT}" y="${base - PANEL - 4}" text-anchor="end" fill="#555">${figures}</text>`);
    for (let decade = 0; decade <= decades; decade++) {
      const y = round(base - barHeight(10 ** decade));
      out.push(`<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="#e4e4e4"/>`);
      out.push(
        `<text x="${LEFT - 6}" y="${y + 4}" text-anchor="end" fill="#777" font-size="10">${10 ** decade}</text>`,
      );
    }
    const bars = new Map<number, number>();
    for (const [us, count] of intervals.buckets ?? []) {
      const at = Math.min(us / 1000, MAX_MS - BAR_MS);
      bars.set(at, (bars.get(at) ?? 0) + count);
    }
    const width = round((BAR_MS / MAX_MS) * plot);
    for (const [ms, count] of bars) {
      const tall = round(barHeight(count));
      out.push(
        `<rect x="${round(x(ms))}" y="${round(base - tall)}" width="${width}" height="${tall}" fill="#2a6fb0"/>`,
      );
    }
    out.push(`<path d="M${LEFT} ${base}H${WIDTH - RIGHT}" stroke="#222"/>`);
    for (let ms = 0; ms <= MAX_MS; ms += 2) {
      out.push(`<text x="${round(x(ms))}" y="${base + 14}" text-anchor="middle" font-size="10">${ms}</text>`);
    }
  });
  out.push(
    `<text x="${WIDTH - RIGHT}" y="${height - 8}" text-anchor="end" fill="#555" font-size="11">interval in ms (later ones stand at 10), number of intervals on a log scale</text>`,
    '</svg>',
    '',
  );
  return out.join('\n');
}
