// Every claim, in the order of the page.
import type { BenchCase } from '../support/case.ts';
import { control1 } from './control-1.ts';
import { control64 } from './control-64.ts';
import { fanOuts } from './fan-out.ts';
import { handshakes } from './handshakes.ts';
import { idleMemory } from './idle-memory.ts';
import { intervals } from './interval.ts';
import { manyUrlsCases } from './many-urls.ts';
import { monitorAlone } from './monitor-alone.ts';
import { monitorWithControl } from './monitor-with-control.ts';
import { slowBackends } from './slow-backend.ts';

export const CASES: readonly BenchCase[] = [
  monitorAlone,
  monitorWithControl,
  ...fanOuts,
  ...manyUrlsCases,
  control64,
  control1,
  ...slowBackends,
  idleMemory,
  handshakes,
  ...intervals,
];
