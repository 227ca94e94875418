// Which listening socket is meant for this process, by the convention of sd_listen_fds(3).
import { describe, expect, test } from 'vitest';
import { inheritedListener } from '../../src/transport/socket-activation.ts';

describe('an inherited listening socket', () => {
  test.each([
    ['one', { LISTEN_PID: '42', LISTEN_FDS: '1' }],
    ['the first of several', { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:c' }],
  ])('%s', (_what, env) => {
    expect(inheritedListener(env, 42)).toEqual({ fd: 3 });
  });

  test.each([
    ['nothing was handed over', {}],
    ['it is meant for the parent, whose environment was inherited', { LISTEN_PID: '41', LISTEN_FDS: '1' }],
    ['no process is named', { LISTEN_FDS: '1' }],
    ['an empty process number', { LISTEN_PID: '', LISTEN_FDS: '1' }],
    ['a process number with something behind it', { LISTEN_PID: '42x', LISTEN_FDS: '1' }],
    ['no count', { LISTEN_PID: '42' }],
    ['an empty count', { LISTEN_PID: '42', LISTEN_FDS: '' }],
    ['none', { LISTEN_PID: '42', LISTEN_FDS: '0' }],
    ['fewer than none', { LISTEN_PID: '42', LISTEN_FDS: '-1' }],
    ['a count that is no number', { LISTEN_PID: '42', LISTEN_FDS: 'one' }],
    ['a count that is not whole', { LISTEN_PID: '42', LISTEN_FDS: '1.5' }],
    ['a count without end', { LISTEN_PID: '42', LISTEN_FDS: 'Infinity' }],
  ])('none, when %s', (_what, env) => {
    expect(inheritedListener(env, 42)).toBeUndefined();
  });
});
