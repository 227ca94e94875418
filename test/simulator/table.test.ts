// Every row of the controller's API over HTTP, with the bodies a client of a real controller would see.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MOTOR_TRANSITION_MS } from '../../src/simulator/limits.ts';
import { AVAILABLE, type Bench, INIT, JOINT_STATES, START, STOP, startBench } from './support.ts';

const DONE = '{"_type":"JObject"}';
const MOTOR_STATE = '/project/robot/motor_on_state';
const TASK = '/project/context/tasks[0]';

let bench: Bench;
beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => bench.end());

const text = async (path: string): Promise<string> => (await bench.get(path)).text;

describe('robot', () => {
  it('GET /api_ver is a bare 5, as JSON', async () => {
    const answer = await bench.get('/api_ver');
    expect([answer.status, answer.text]).toEqual([200, '5']);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers.connection).toBe('keep-alive');
  });

  it('GET joint_states shows the rest pose in decimals, all joints or some', async () => {
    const all = await text(JOINT_STATES);
    expect(all).toBe(
      '{"_type":"JObject","position":[0.0,90.0,0.0,0.0,-90.0,0.0],' +
        '"effort":[-0.0,920.0,920.0,-0.0,0.0,-0.0],"velocity":[0.0,0.0,0.0,0.0,0.0,0.0]}',
    );
    expect(await text(`${JOINT_STATES}?jno_start=1&jno_n=6`)).toBe(all);
    expect(await text(`${JOINT_STATES}?jno_start=2&jno_n=1`)).toBe(
      '{"_type":"JObject","position":[90.0],"effort":[920.0],"velocity":[0.0]}',
    );
    expect((await bench.get(`${JOINT_STATES}?jno_start=5`)).json).toMatchObject({ position: [-90, 0] });
  });

  it('GET po_cur gives the tool in the base frame, and the joints for crd=2', async () => {
    expect(await text('/project/robot/po_cur?crd=0&mechinfo=1')).toBe(
      '{"_type":"Pose","crd":"base","mechinfo":1,"nsync":0,"x":1782.0,"y":0.0,"z":1775.0,"rx":180.0,"ry":0.0,"rz":180.0}',
    );
    expect(await text('/project/robot/po_cur')).toContain('"crd":"base"');
    expect(await text('/project/robot/po_cur?crd=2&mechinfo=1')).toBe(
      '{"_type":"Pose","crd":"joint","mechinfo":1,"nsync":0,"j1":0.0,"j2":90.0,"j3":0.0,"j4":0.0,"j5":-90.0,"j6":0.0}',
    );
  });

  it('POST motor_off and motor_on pass through busy', async () => {
    const states: string[] = [await text(MOTOR_STATE)];
    for (const path of ['/project/robot/motor_off', '/project/robot/motor_on']) {
      expect((await bench.post(path)).text).toBe(DONE);
      states.push(await text(MOTOR_STATE));
      bench.advance(MOTOR_TRANSITION_MS);
      states.push(await text(MOTOR_STATE));
    }
    expect(states).toEqual([0, 1, 2, 1, 0].map((val) => `{"_type":"JObject","val":${val}}`));
    await bench.post('/project/robot/motor_on');
    expect(await text(MOTOR_STATE)).toContain(':0}');
  });

  it('GET rgen tells the general status; start and stop change it', async () => {
    expect((await bench.get('/project/rgen')).json).toEqual({
      _type: 'JObject',
      cur_mode: 4,
      is_playback: 0,
      is_remote_mode: 1,
      enable_state: 1,
      cur_prog_no: 1,
      cur_step_no: 0,
      cur_func_no: 2,
      mov_prog_no: 1,
      mov_step_no: 0,
      mov_func_no: 2,
      spd_lev: 5,
      auto_spd: 100,
    });
    expect((await bench.post(START)).text).toBe(DONE);
    expect((await bench.get('/project/rgen')).json).toMatchObject({ is_playback: 1 });
    expect((await bench.post(STOP)).text).toBe(DONE);
    expect((await bench.get('/project/rgen')).json).toMatchObject({ is_playback: 0 });
  });

  it('POST start needs the motors', async () => {
    await bench.post('/project/robot/motor_off');
    const answer = await bench.post(START);
    expect([answer.status, answer.text]).toEqual([403, '{"_type":"JObject","err_code":-15}']);
    expect((await bench.get('/project/rgen')).json).toMatchObject({ is_playback: 0, enable_state: 0 });
  });

  it('POST joint_traject_init and GET joint_traject_buf_avail', async () => {
    expect((await bench.post(INIT)).text).toBe(DONE);
    expect(await text(AVAILABLE)).toBe('2048');
  });
});

describe('program tasks', () => {
  it('POST cur_prog_cnt with -1 leaves the counter as it is', async () => {
    const keep = { pno: -1, sno: -1, fno: -1, ext_sel: 0 };
    const body = '{"_type":"JObject","sno_new":0,"fno_new":2,"ln_new":2,"ofs_moved":0}';
    expect((await bench.post(`${TASK}/cur_prog_cnt`, keep)).text).toBe(body);
    expect((await bench.post('/project/context/tasks%5B0%5D/cur_prog_cnt', keep)).text).toBe(body);
  });

  it('POST cur_prog_cnt moves the counter, reset takes it back, each task has its own', async () => {
    const moved = await bench.post(`${TASK}/cur_prog_cnt`, { pno: 7, sno: 4, fno: 1, ext_sel: 0 });
    expect(moved.json).toEqual({ _type: 'JObject', sno_new: 4, fno_new: 1, ln_new: 5, ofs_moved: 3 });
    expect((await bench.get('/project/rgen')).json).toMatchObject({ cur_prog_no: 7, cur_step_no: 4, cur_func_no: 1 });
    const other = await bench.post('/project/context/tasks[7]/cur_prog_cnt', { pno: -1, sno: -1, fno: -1 });
    expect(other.json).toMatchObject({ sno_new: 0, fno_new: 2 });
    expect((await bench.post(`${TASK}/reset`)).status).toBe(200);
    expect((await bench.get('/project/rgen')).json).toMatchObject({ cur_prog_no: 7, cur_step_no: 0, cur_func_no: 0 });
  });

  it('POST release_wait', async () => {
    expect((await bench.post(`${TASK}/release_wait`)).status).toBe(200);
  });
});

describe('signals and relays', () => {
  const signal = (type: string, block: number, number: number) =>
    `/project/control/ios/dio/${type.slice(0, 2)}_val?type=${type}&blk_no=${block}&sig_no=${number}`;
  const write = (type: string, sig_no: number, val: number) =>
    bench.post('/project/control/ios/dio/do_val', { type, blk_no: 1, sig_no, val });

  it('GET do_val and di_val give a signed byte', async () => {
    expect(await text(signal('dob', 2, 3))).toBe('{"_type":"JObject","val":-56}');
    expect(await text(signal('dib', 2, 3))).toBe('{"_type":"JObject","val":-56}');
  });

  it('POST do_val writes what all widths read, in both directions', async () => {
    expect((await write('do', 1, 1)).status).toBe(200);
    expect(await text(signal('do', 1, 1))).toBe('{"_type":"JObject","val":1}');
    expect(await text(signal('dob', 1, 0))).toBe('{"_type":"JObject","val":2}');
    await write('dow', 0, -2);
    expect(await text(signal('dib', 1, 0))).toBe('{"_type":"JObject","val":-2}');
    expect(await text(signal('di', 1, 0))).toBe('{"_type":"JObject","val":0}');
    await write('dol', 29, -2147483648);
    expect(await text(signal('dil', 1, 29))).toBe('{"_type":"JObject","val":-2147483648}');
    await write('dof', 1, 2);
    expect(await text(signal('dof', 1, 1))).toBe('{"_type":"JObject","val":2.0}');
    expect(await text(signal('dol', 1, 1))).toBe(`{"_type":"JObject","val":${0x40000000}}`);
    expect(await text(signal('dol', 0, 1))).toBe('{"_type":"JObject","val":0}');
  });

  it('GET val_s32 gives a bare array of the asked length, for each kind of relay', async () => {
    expect(await text('/project/plc/m/val_s32?st=32&len=4')).toBe('[64576,-66594,68612,-70630]');
    const first = new Set<string>();
    for (const kind of ['s', 'm', 'r', 'k']) {
      const words = (await bench.get(`/project/plc/${kind}/val_s32?st=4000&len=96`)).json as number[];
      expect(words).toHaveLength(96);
      for (const word of words) expect(word).toBe(word | 0);
      first.add(words.join());
    }
    expect(first.size).toBe(4);
    expect(await text('/project/plc/m/val_s32?st=33&len=1')).toBe('[-66594]');
  });
});

describe('clock and files', () => {
  it('GET date_time follows the clock; PUT of the same shape sets it', async () => {
    expect(await text('/clock/date_time')).toBe(
      '{"_type":"JObject","year":2023,"mon":11,"day":14,"hour":22,"min":13,"sec":20}',
    );
    const leap = { _type: 'JObject', year: 2024, mon: 2, day: 29, hour: 23, min: 59, sec: 58 };
    expect((await bench.send('PUT', '/clock/date_time', JSON.stringify(leap))).status).toBe(200);
    expect((await bench.get('/clock/date_time')).json).toEqual(leap);
    bench.advance(2500);
    expect((await bench.get('/clock/date_time')).json).toEqual({ ...leap, mon: 3, day: 1, hour: 0, min: 0, sec: 0 });
  });

  it('file_exist, mkdir and DELETE work on one tree', async () => {
    const exists = (path: string) => text(`/file_manager/file_exist?pathname=${path}`);
    const mkdir = (path: string) => bench.post('/file_manager/mkdir', { path });
    const remove = (path: string) => bench.send('DELETE', `/file_manager/files/${path}`);
    expect(await exists('project/jobs/0001.job')).toBe('true');
    expect(await exists('project%2Fjobs%2F0009.job')).toBe('false');
    expect((await mkdir('project/jobs/special')).status).toBe(200);
    expect(await exists('project/jobs/special')).toBe('true');
    const again = await mkdir('project/jobs/special');
    expect([again.status, again.json]).toMatchObject([500, { err_code: -21 }]);
    expect((await mkdir('project/jobs/0001.job/below')).status).toBe(500);
    expect((await remove('project/jobs/special')).status).toBe(200);
    expect((await remove('project/jobs/special')).status).toBe(200);
    expect(await exists('project/jobs/special')).toBe('false');
    expect((await mkdir('other/made/on the way')).status).toBe(200);
    expect((await remove('other/made/on%20the%20way')).status).toBe(200);
    expect([await exists('other/made'), await exists('other/made/on+the+way')]).toEqual(['true', 'false']);
    expect((await remove('project')).status).toBe(200);
    expect(await exists('project/jobs/0001.job')).toBe('false');
  });
});
