// One row of the table of settings: its type and how it is written down.
import type { Spec } from './spec.ts';

export interface Setting<T = unknown> {
  /** The environment variable. */
  readonly name: string;
  readonly section: Section;
  readonly spec: Spec<T>;
  /** The default, as it would be written in the environment; an empty string: unset. */
  readonly fallback: string;
  /** What it means that a setting without a default is unset. */
  readonly unset?: string;
  /** One sentence: what it does, and when to change it where that is not plain. */
  readonly sentence: string;
}

export const SECTIONS = [
  'Listening',
  'Backend',
  'Session',
  'Buffers',
  'MONITOR',
  'CONTROL',
  'Access',
  'Operation',
] as const;
type Section = (typeof SECTIONS)[number];

export function row<T>(section: Section, name: string, spec: Spec<T>, fallback: string, sentence: string): Setting<T> {
  return { name, section, spec, fallback, sentence };
}

export function unsetRow<T>(
  section: Section,
  name: string,
  spec: Spec<T>,
  unset: string,
  sentence: string,
): Setting<T> {
  return { name, section, spec, fallback: '', unset, sentence };
}
