// One look-up of the backend's name at a time for each lane: those of polls must not keep CONTROL's from being begun.
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Callback = Parameters<LookupFunction>[2];

/**
 * Node has two look-ups under way at most (libuv keeps the other half of its threads for files). A lane that makes all its connections
 * at once would take both, and where the resolver hangs everybody else's would stand behind. Whoever asks while one is under way gets its
 * answer; nothing is remembered longer than that.
 */
export function sharedLookup(lookup: LookupFunction = systemLookup): LookupFunction {
  const underWay = new Map<string, Callback[]>();
  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options]);
    const waiting = underWay.get(key);
    if (waiting) {
      waiting.push(callback);
      return;
    }
    const callbacks = [callback];
    underWay.set(key, callbacks);
    lookup(hostname, options, (...answer) => {
      underWay.delete(key);
      for (const one of callbacks) one(...answer);
    });
  };
}
