// What the simulator says to requests it cannot serve, and that nothing a client sends makes it fail.
import { createConnection } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Controller } from '../../src/simulator/controller.ts';
import { MAX_BODY_BYTES, MAX_DISCARD_BYTES } from '../../src/simulator/limits.ts';
import { answer } from '../../src/simulator/routing.ts';
import { type Bench, INSERT, JOINT_STATES, START, startBench } from './support.ts';

const DO_VAL = '/project/control/ios/dio/do_val';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.end());

describe('paths and methods', () => {
  it.each([
    '/',
    '/nothing',
    '/api_ver/',
    '//api_ver',
    '/API_VER',
    '/constructor',
    '/__proto__',
    '/project/context/tasks[8]/reset',
    '/project/context/tasks[-1]/reset',
    '/project/context/tasks/reset',
    '/project/plc/x/val_s32',
    '/project/robot',
    '/file_manager/files',
  ])('answers 404 with a JSON body to %s', async (path) => {
    const reply = await bench.get(path);
    expect([reply.status, reply.json]).toMatchObject([404, { _type: 'JObject', err_code: -1 }]);
  });

  it.each([
    ['POST', '/api_ver', 'GET'],
    ['GET', INSERT, 'POST'],
    ['PUT', DO_VAL, 'GET, POST'],
    ['POST', '/clock/date_time', 'GET, PUT'],
    ['GET', '/file_manager/files/project', 'DELETE'],
    ['PATCH', JOINT_STATES, 'GET'],
    ['DELETE', '/project/context/tasks%5b0%5d/reset', 'POST'],
  ])('answers 405 to %s %s and names what is allowed', async (method, path, allow) => {
    const reply = await bench.send(method, path);
    expect([reply.status, reply.headers.allow, reply.json]).toMatchObject([405, allow, { err_code: -2 }]);
  });

  it('answers 400 to a path that is not percent-encoded UTF-8', async () => {
    for (const path of ['/api_ver%ff', '/api_ver%zz', '/%']) expect((await bench.get(path)).status).toBe(400);
  });

  it('serves the absolute form that proxies use', async () => {
    expect((await bench.get('http://robot:8888/api_ver?x=1')).text).toBe('5');
    expect((await bench.get('http://robot')).status).toBe(404);
  });
});

describe('query values', () => {
  const io = `${DO_VAL}?type=do&blk_no=0&sig_no=0`;
  it.each([
    `${JOINT_STATES}?jno_start=0`,
    `${JOINT_STATES}?jno_start=7`,
    `${JOINT_STATES}?jno_start=1.5`,
    `${JOINT_STATES}?jno_start=`,
    `${JOINT_STATES}?jno_start`,
    `${JOINT_STATES}?jno_start=one`,
    `${JOINT_STATES}?jno_start=%zz`,
    `${JOINT_STATES}?jno_start=3&jno_n=5`,
    `${JOINT_STATES}?jno_n=-1`,
    '/project/robot/po_cur?crd=base',
    '/project/robot/po_cur?mechinfo=999',
    DO_VAL,
    io.replace('=do', '=di'),
    io.replace('=do', '=dox'),
    io.replace('blk_no=0', 'blk_no=10'),
    io.replace('blk_no=0', ''),
    io.replace('sig_no=0', 'sig_no=960'),
    io.replace('=do&', '=dob&').replace('sig_no=0', 'sig_no=120'),
    io.replace('=do&', '=dow&').replace('sig_no=0', 'sig_no=60'),
    io.replace('=do&', '=dof&').replace('sig_no=0', 'sig_no=30'),
    '/project/control/ios/dio/di_val?type=do&blk_no=0&sig_no=0',
    '/project/plc/m/val_s32?st=-1&len=4',
    '/project/plc/m/val_s32?st=4095&len=2',
    '/project/plc/m/val_s32?st=0&len=1025',
    '/project/plc/m/val_s32?st=0&len=0',
    '/file_manager/file_exist',
    '/file_manager/file_exist?pathname=',
    '/file_manager/file_exist?pathname=../etc/passwd',
    '/file_manager/file_exist?pathname=a%00b',
  ])('answers 400 to %s', async (path) => {
    const reply = await bench.get(path);
    expect([reply.status, reply.json]).toMatchObject([400, { err_code: -4, err_msg: expect.stringMatching(/quer/) }]);
  });

  it('takes the decoded value of the first parameter of a name', async () => {
    expect((await bench.get(`${JOINT_STATES}?x=&jno_n=%31&jno_n=9&jno_start=6&`)).json).toMatchObject({
      position: [0],
    });
  });
});

describe('bodies', () => {
  const put = (overrides: object) => ({ year: 2024, mon: 1, day: 1, hour: 0, min: 0, sec: 0, ...overrides });
  it.each([
    ['POST', DO_VAL, { type: 'do', blk_no: 1, sig_no: 1, val: 2 }],
    ['POST', DO_VAL, { type: 'do', blk_no: 1, sig_no: 1, val: '1' }],
    ['POST', DO_VAL, { type: 'di', blk_no: 1, sig_no: 1, val: 1 }],
    ['POST', DO_VAL, { type: 5, blk_no: 1, sig_no: 1, val: 1 }],
    ['POST', DO_VAL, { type: 'dob', blk_no: 1, sig_no: 1, val: 256 }],
    ['POST', DO_VAL, { type: 'dow', blk_no: 1, sig_no: 1, val: -32769 }],
    ['POST', DO_VAL, { type: 'dof', blk_no: 1, sig_no: 1, val: 1e39 }],
    ['POST', DO_VAL, { type: 'do', blk_no: 10, sig_no: 1, val: 1 }],
    ['POST', DO_VAL, { type: 'do', blk_no: 1, sig_no: 960, val: 1 }],
    ['POST', '/project/context/tasks[0]/cur_prog_cnt', { pno: -2, sno: -1, fno: -1 }],
    ['POST', '/project/context/tasks[0]/cur_prog_cnt', {}],
    ['POST', '/project/context/tasks[0]/reset', []],
    ['POST', '/project/robot/motor_on', null],
    ['POST', START, 'go'],
    ['PUT', '/clock/date_time', put({ mon: 13 })],
    ['PUT', '/clock/date_time', put({ mon: 2, day: 30 })],
    ['PUT', '/clock/date_time', put({ sec: 1.5 })],
    ['PUT', '/clock/date_time', put({ year: '2024' })],
    ['PUT', '/clock/date_time', {}],
    ['POST', '/file_manager/mkdir', {}],
    ['POST', '/file_manager/mkdir', { path: '/' }],
    ['POST', '/file_manager/mkdir', { path: 'a/../b' }],
    ['POST', '/file_manager/mkdir', { path: 'a'.repeat(1025) }],
    ['POST', '/file_manager/mkdir', { path: 'a/'.repeat(33) }],
  ])('answers 400 to %s %s %j', async (method, path, body) => {
    const reply = await bench.send(method, path, JSON.stringify(body));
    expect([reply.status, reply.json]).toMatchObject([400, { err_code: -5 }]);
  });

  it('answers 400 to DELETE of nothing or of a climbing path', async () => {
    expect((await bench.send('DELETE', '/file_manager/files/')).status).toBe(400);
    expect((await bench.send('DELETE', '/file_manager/files/a/%2e%2e/b')).status).toBe(400);
  });

  it('takes a body of 64 KiB, and answers 413 to one byte more, with the connection kept', async () => {
    expect((await bench.send('POST', START, `{}${' '.repeat(MAX_BODY_BYTES - 2)}`)).status).toBe(200);
    const reply = await bench.send('POST', START, `{}${' '.repeat(MAX_BODY_BYTES - 1)}`);
    expect([reply.status, reply.headers.connection, reply.json]).toMatchObject([413, 'keep-alive', { err_code: -3 }]);
  });

  it('does nothing with a body that is too large', async () => {
    const body = Buffer.alloc(MAX_BODY_BYTES + 1);
    expect((await bench.send('DELETE', '/file_manager/files/project', body)).status).toBe(413);
    expect((await bench.get('/file_manager/file_exist?pathname=project')).text).toBe('true');
    expect((await bench.send('POST', '/nothing', body)).status).toBe(404);
  });

  it('holds no more than a thousand files', async () => {
    const statuses = new Set<number>();
    for (let k = 0; k < 1001; k++) statuses.add((await bench.post('/file_manager/mkdir', { path: `f${k}` })).status);
    expect([...statuses]).toEqual([200, 500]);
    await bench.send('DELETE', '/file_manager/files/f0');
    expect((await bench.post('/file_manager/mkdir', { path: 'again' })).status).toBe(200);
  });
});

describe('raw sockets', () => {
  /** All that comes back until the server ends the connection. */
  const raw = (...parts: (string | Buffer)[]) =>
    new Promise<string>((resolve, reject) => {
      const socket = createConnection(bench.simulator.port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('close', () => resolve(text));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
      });
      for (const part of parts) socket.write(part);
    });

  it('answers bytes that are not HTTP with 400 and ends that connection', async () => {
    const text = await raw('{"cmd":"HANDSHAKE"}\n');
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain('"err_code":-6');
  });

  it('answers a head that is too large with 431', async () => {
    expect(await raw(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('answers 413 to an endless body, ends that connection and goes on serving others', async () => {
    const head = `POST ${START} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n`;
    const text = await raw(head, Buffer.alloc(MAX_DISCARD_BYTES + 1));
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect((await bench.get('/api_ver')).text).toBe('5');
  });

  it('answers pipelined requests in order', async () => {
    const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
    const text = await raw(get('/api_ver') + get('/nothing') + get('/clock/date_time', 'connection: close\r\n'));
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  });
});

describe('any request at all', () => {
  const paths = fc.constantFrom(
    JOINT_STATES,
    INSERT,
    DO_VAL,
    START,
    '/project/robot/po_cur',
    '/project/plc/m/val_s32',
    '/clock/date_time',
    '/file_manager/file_exist',
    '/file_manager/mkdir',
    '/file_manager/files/x',
    '/project/context/tasks[0]/cur_prog_cnt',
  );
  const names = fc.constantFrom('jno_start', 'jno_n', 'crd', 'type', 'blk_no', 'sig_no', 'st', 'len', 'pathname');
  const values = fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('1', 'do', 'dif', '%', '%ff'));
  const query = fc.array(fc.tuple(names, values)).map((pairs) => pairs.map((pair) => pair.join('=')).join('&'));
  const target = fc.oneof(
    fc.string(),
    fc.tuple(paths, query).map(([path, text]) => `${path}?${text}`),
    paths,
  );
  const fields = fc.constantFrom(
    'interval',
    'time_from_start',
    'look_ahead_time',
    'point',
    'type',
    'val',
    'path',
    'year',
  );
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.dictionary(fields, fc.jsonValue()).map((o) => JSON.stringify(o)),
  );
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'constructor');

  it('is answered with a known status and a body that is JSON or empty', () => {
    const controller = new Controller({ now: () => 0, wall: () => 0 });
    fc.assert(
      fc.property(method, target, body, (verb, where, what) => {
        const reply = answer(controller, verb, where, what);
        expect([200, 400, 403, 404, 405, 500]).toContain(reply.status);
        expect(reply.body).not.toContain('"err_code":-7');
        if (reply.body !== '') expect(() => JSON.parse(reply.body)).not.toThrow();
      }),
      { numRuns: 20_000, interruptAfterTimeLimit: 2000 },
    );
  });
});
