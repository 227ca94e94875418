// What the primary process and its workers say to each other, when WORKERS is more than one.
import type { Listen } from '../transport/listen.ts';
import type { Question } from './remote-sources.ts';

/** Primary → worker. */
export type Order =
  /** The first message: go. `backendUrl` is the embedded controller's, which runs in the primary, once for all. */
  | { readonly order: 'start'; readonly listen: Listen | undefined; readonly backendUrl: string | undefined }
  | { readonly order: 'admission'; readonly number: number; readonly refused: Refused | undefined }
  | { readonly order: 'tell'; readonly number: number; readonly question: Question }
  | { readonly order: 'reload' }
  | { readonly order: 'drain' };

export interface Refused {
  readonly reason: 'full' | 'rate_limited';
  readonly message: string;
}

/** Worker → primary. */
export type Report =
  /** The first message: it listens for orders now; one sent earlier would be lost. */
  | { readonly report: 'ready' }
  | { readonly report: 'listening'; readonly port: number }
  /** Asks for a place among the sessions of all workers; `number` comes back in the answer. */
  | { readonly report: 'admit'; readonly number: number; readonly address: string }
  | { readonly report: 'release'; readonly number: number }
  | { readonly report: 'told'; readonly number: number; readonly value: unknown };

export const isOrder = (message: unknown): message is Order =>
  typeof message === 'object' && message !== null && 'order' in message;

export const isReport = (message: unknown): message is Report =>
  typeof message === 'object' && message !== null && 'report' in message;
