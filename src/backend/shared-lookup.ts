// One look-up of the backend's name at a time for each lane: those of polls must not keep CONTROL's from being begun.
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Callback = Parameters<LookupFunction>[2];

/** One that has taken longer than this, ms, is given up: whoever asks then begins another. With its usual settings a resolver gives up sooner. */
const LONGEST_MS = 60_000;

interface Lookup {
  readonly begunAt: number;
  readonly callbacks: Callback[];
}

/**
 * Node has two look-ups under way at most (libuv keeps the other half of its threads for files). A lane that makes all its connections
 * at once would take both, and where the resolver hangs everybody else's would stand behind. Whoever asks while one is under way gets its
 * answer; nothing is remembered longer than that.
 */
export function sharedLookup(lookup: LookupFunction = systemLookup): LookupFunction {
  const underWay = new Map<string, Lookup>();
  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options]);
    const now = performance.now();
    const current = underWay.get(key);
    if (current && now - current.begunAt < LONGEST_MS) {
      current.callbacks.push(callback);
      return;
    }
    const begun: Lookup = { begunAt: now, callbacks: [callback] };
    underWay.set(key, begun);
    const end = (): void => {
      if (underWay.get(key) === begun) underWay.delete(key);
    };
    try {
      lookup(hostname, options, (...answer) => {
        end();
        // Each in a call of its own: one that throws keeps the answer from nobody.
        for (const one of begun.callbacks) queueMicrotask(() => one(...answer));
      });
    } catch (error) {
      end();
      throw error;
    }
  };
}
