import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseSeriesPattern } from '../../../feeds/series-pattern.ts';
import { mayBeReleased, releaseFile } from '../../../cli/operate/release-file.ts';
import { isQuarantined } from '../../../lambdas/core/account/stops.ts';
import { noteControl } from '../../../lambdas/splitter/note-control.ts';
import { splitFile } from '../../../lambdas/splitter/split-file.ts';
import { ControlWorld } from '../../support/control-world.ts';
import { noDeadline, sha256Of } from '../../support/splitter-world.ts';

const header = 'SpotID,StationCode,AirDateTime,Duration,ClientName';
const row = (spot: string, minute: number) => `${spot},WABC,2026-01-05 06:${String(minute).padStart(2, '0')}:00,30,Ann`;
const rows = Array.from({ length: 16 }, (_, n) => row(`SP-${n + 1}`, n));
const file = `${header}\n${rows.join('\n')}\n`;

const sumOf = (content: string | Buffer, name = 'WABC.csv') => `${sha256Of(Buffer.from(content))}  ${name}\n`;
const manifest = `SpotID,AirDateTime\n${rows
  .map((each) => each.split(','))
  .map(([id, , at]) => `${id},${at}`)
  .join('\n')}\n`;
const counts = JSON.stringify({ records: rows.length, bytes: file.length, day: '2026-01-05' });

describe.each([
  ['sha256sum', sumOf(file)],
  ['counts', counts],
  ['rows', manifest],
] as const)('a control file of the kind %s', (kind, control) => {
  it('lets its file be sent if it agrees, whichever is announced first', async () => {
    for (const isFirst of [true, false]) {
      const world = new ControlWorld(kind);
      const source = await world.store('WABC.csv', file);
      const beside = await world.store('WABC.csv.ctl', control);
      for (const each of isFirst ? [source, beside] : [beside, source]) await world.announce(each);
      await world.continueAll();
      expect(world.account(source)).toMatchObject({ state: 'split', control: { state: 'agrees', kind } });
      expect(world.account(source).control?.sha256).toBe(sha256Of(Buffer.from(control)));
      expect(world.sentOf(source)).toBe(rows.length);
    }
  });

  it('has its file wait, with nothing sent, until it comes', async () => {
    const world = new ControlWorld(kind);
    const source = await world.drop('WABC.csv', file);
    await world.continueAll();
    await world.continueAll();
    expect(world.account(source)).toMatchObject({
      state: 'splitting',
      control: { state: 'waiting', name: 'WABC.csv.ctl' },
    });
    expect(world.sentOf(source)).toBe(0);
    const { waitingSince = 0, overdueAt } = world.account(source).control ?? {};
    expect(overdueAt).toBe(waitingSince + 30 * 60_000);
    await world.drop('WABC.csv.ctl', control);
    expect(world.world.delaysSeconds.at(-1)).toBe(0);
    await world.continueAll();
    expect(world.account(source)).toMatchObject({ state: 'split', control: { state: 'agrees' } });
  });

  it('stops its file before anything is sent if they differ', async () => {
    const world = new ControlWorld(kind);
    const source = await world.drop('WABC.csv', file.replace('SP-7,', 'SP-70,').replace(`${rows[8]}\n`, ''));
    await world.drop('WABC.csv.ctl', control);
    await world.continueAll();
    const account = world.account(source);
    expect(account).toMatchObject({
      state: 'split',
      control: { state: 'differs' },
      quarantine: { code: 'control_differs' },
    });
    expect(isQuarantined(account)).toBe(true);
    expect(world.world.metrics).toEqual(['QuarantinedFiles']);
    expect(account.totalRecords).toBe(rows.length - 1);
    expect(world.sentOf(source)).toBe(0);
    expect(world.listOf(source).length).toBeGreaterThan(1);
  });

  it('is compared with a file without records', async () => {
    const world = new ControlWorld(kind);
    const source = await world.drop('WABC.csv', '');
    await world.drop('WABC.csv.ctl', control);
    await world.continueAll();
    expect(world.account(source)).toMatchObject({
      state: 'split',
      quarantine: { code: 'control_differs' },
      totalRecords: 0,
    });
  });

  it('ends in the same way if the splitter is killed at any step, and each message arrives twice', async () => {
    for (const content of [file, file.replace('SP-7,', 'SP-70,')]) {
      const seen = new Set<string>();
      for (let kill = 1; ; kill++) {
        const world = new ControlWorld(kind);
        let steps = 0;
        let wasKilled = false;
        const source = await world.store('WABC.csv', content);
        const beside = await world.store('WABC.csv.ctl', control);
        world.world.onStep = () => {
          if (++steps !== kill) return;
          wasKilled = true;
          throw new Error('killed');
        };
        for (const each of [source, beside, beside, source]) {
          for (let again = 0; again < 3; again++) {
            const isDone = await world.announce(each).then(
              () => true,
              () => false,
            );
            if (isDone) break;
            await world.clock.advance(61_000);
          }
        }
        for (let n = 0; n < 4; n++) {
          await world.continueAll().catch(() => undefined);
          await world.clock.advance(61_000);
          await world.announce(source).catch(() => undefined);
        }
        const { state, control: found, quarantine, totalRecords } = world.account(source);
        seen.add(
          JSON.stringify([
            state,
            found?.state,
            found?.sha256,
            found?.differences?.sha256,
            quarantine?.code,
            totalRecords,
          ]),
        );
        expect(world.sentOf(source)).toBe(content === file ? rows.length : 0);
        if (!wasKilled) break;
      }
      expect([...seen]).toHaveLength(1);
    }
  });
});

describe('a control file', () => {
  it('is not taken as a file of the feed, in no lane', async () => {
    const world = new ControlWorld('counts');
    const source = await world.store('night/WABC.csv', file);
    const beside = await world.store('night/WABC.csv.ctl', counts, 'express/traffic/');
    const express = {
      ...world.world.ports,
      control: { ...world.rule, keyPrefix: 'express/traffic/', lane: 'express' },
    };
    expect(await noteControl(beside, express)).toBe(true);
    expect(world.world.ports.ledger.files.size).toBe(0);
    await world.announce(source);
    expect(world.account(source).control).toMatchObject({
      state: 'agrees',
      source: { key: 'express/traffic/night/WABC.csv.ctl' },
    });
  });

  it('speaks of the newest version that is not newer than itself, if it comes after its file', async () => {
    const world = new ControlWorld('sha256sum');
    const other = file.replace('SP-7,', 'SP-70,');
    const first = await world.store('WABC.csv', file);
    const ofFirst = await world.store('WABC.csv.ctl', sumOf(file));
    const second = await world.store('WABC.csv', other);
    const ofSecond = await world.store('WABC.csv.ctl', sumOf(other));
    for (const each of [ofSecond, second, first, ofFirst]) await world.announce(each);
    await world.continueAll();
    expect([first, second].map((each) => world.account(each).control?.state)).toEqual(['agrees', 'agrees']);
  });

  it('is not compared with an older version, although the event of the newer one is late', async () => {
    const world = new ControlWorld('sha256sum');
    const first = await world.store('WABC.csv', file);
    await world.store('WABC.csv', `${file}\n`);
    const ofSecond = await world.store('WABC.csv.ctl', sumOf(`${file}\n`));
    for (const each of [ofSecond, first]) await world.announce(each);
    expect(world.account(first).control?.state).toBe('waiting');
  });

  it('speaks of the next version, if it comes before its file', async () => {
    const world = new ControlWorld('sha256sum', 'before');
    const other = file.replace('SP-7,', 'SP-70,');
    const ofFirst = await world.store('WABC.csv.ctl', sumOf(file));
    const first = await world.store('WABC.csv', file);
    const ofSecond = await world.store('WABC.csv.ctl', sumOf(other));
    const second = await world.store('WABC.csv', other);
    for (const each of [first, ofFirst, ofSecond, second]) await world.announce(each);
    await world.continueAll();
    expect([first, second].map((each) => world.account(each).control?.state)).toEqual(['agrees', 'agrees']);
  });

  it('that comes before its file is not that of a later one: that waits', async () => {
    const world = new ControlWorld('sha256sum', 'before');
    for (const name of ['WABC.csv.ctl', 'WABC.csv']) await world.drop(name, name.endsWith('.ctl') ? sumOf(file) : file);
    const second = await world.drop('WABC.csv', `${file}\n`);
    expect(world.account(second).control?.state).toBe('waiting');
  });

  it('that is dropped twice before it is compared counts as it was last', async () => {
    const world = new ControlWorld('counts');
    const source = await world.store('WABC.csv', file);
    await world.drop('WABC.csv.ctl', '{"records":1}');
    const last = await world.drop('WABC.csv.ctl', counts);
    await world.announce(source);
    expect(world.account(source).control).toMatchObject({ state: 'agrees', source: last });
    expect(await world.world.ports.ledger.listLateControls('traffic', 10)).toEqual([]);
  });

  it('that changes later is reported once, and changes nothing', async () => {
    const world = new ControlWorld('counts');
    const source = await world.store('WABC.csv', file);
    await world.drop('WABC.csv.ctl', counts);
    await world.announce(source);
    const before = world.account(source).control;
    const changed = await world.drop('WABC.csv.ctl', '{"records":1}');
    await world.announce(changed);
    expect(world.account(source).control).toEqual(before);
    const { ledger } = world.world.ports;
    const late = await ledger.listLateControls('traffic', 10);
    expect(late).toMatchObject([{ name: 'WABC.csv.ctl', control: changed, isChange: true }]);
    await ledger.closeLateControls('traffic', late);
    await world.announce(changed);
    expect(await ledger.listLateControls('traffic', 10)).toEqual([]);
  });

  it('that is deleted before it is compared has its file wait', async () => {
    const world = new ControlWorld('counts');
    const source = await world.store('WABC.csv', file);
    world.delete(await world.drop('WABC.csv.ctl', counts));
    await world.announce(source);
    expect(world.account(source)).toMatchObject({ state: 'splitting', control: { state: 'waiting' } });
  });

  it('has the SHA-256 and bytes of a compressed file as it was dropped, and counts its records', async () => {
    const packed = gzipSync(file);
    for (const [kind, control] of [
      ['sha256sum', sumOf(packed, 'WABC.csv.gz')],
      ['counts', JSON.stringify({ records: rows.length, bytes: packed.length })],
      ['rows', manifest],
    ] as const) {
      const world = new ControlWorld(kind);
      const source = await world.store('WABC.csv.gz', packed);
      await world.drop('WABC.csv.gz.ctl', control);
      await world.announce(source);
      expect(world.account(source).control?.state).toBe('agrees');
    }
  });

  it('has a large file counted in several invocations', async () => {
    const world = new ControlWorld('counts');
    const source = await world.store('WABC.csv', file);
    await world.drop('WABC.csv.ctl', counts);
    let checks = 0;
    // Time for the hash and a few of the file's chunks.
    const short = { remainingMs: () => 900_000, isDrawingIn: () => ++checks % 4 === 0 };
    await world.announce(source, short);
    for (let n = 0; n < 20 && world.account(source).state === 'splitting'; n++) {
      const [next] = world.world.intake.splice(0);
      if (next) await splitFile(next.fileId, undefined, world.world.ports, short);
    }
    expect(world.account(source)).toMatchObject({ state: 'split', control: { state: 'agrees' } });
    expect(world.sentOf(source)).toBe(rows.length);
  });
});

describe('a file that waits for its control file', () => {
  it('is sent once a person has released it, with who and why', async () => {
    const world = new ControlWorld('counts');
    const source = await world.drop('WABC.csv', file);
    const { ledger } = world.world.ports;
    const released = await ledger.releaseWaiting(world.account(source).fileId, 'ann', 'the scheduler is down');
    expect(released?.release).toMatchObject({ by: 'ann', why: 'the scheduler is down', stop: 1 });
    await world.announce(source);
    expect(world.account(source)).toMatchObject({
      state: 'split',
      control: { state: 'not_compared' },
      decisions: [{ kind: 'release', stop: 1, by: 'ann' }],
      quarantine: { code: 'control_missing', number: 1 },
    });
    expect(world.sentOf(source)).toBe(rows.length);
    await world.drop('WABC.csv.ctl', '{"records":1}');
    expect(await ledger.listLateControls('traffic', 10)).toMatchObject([{ isChange: false }]);
  });

  it('is sent once its feed requires no control file any more', async () => {
    const world = new ControlWorld('counts');
    const source = await world.drop('WABC.csv', file);
    Object.assign(world.world.ports, { control: undefined });
    await world.continueAll();
    expect(world.account(source)).toMatchObject({ state: 'split', control: { state: 'waiting' } });
    expect(world.sentOf(source)).toBe(rows.length);
  });

  it('is released by the command, again if that was killed, and not once it was compared', async () => {
    const world = new ControlWorld('counts');
    const source = await world.drop('WABC.csv', file);
    const { ledger, intake } = world.world.ports;
    const { fileId } = world.account(source);
    const ports = { ledger, intakeOf: () => intake, finalize: { send: async () => undefined } };
    const release = () => releaseFile(fileId, { by: 'ann', why: 'it is late' }, ports);
    expect(mayBeReleased(world.account(source))).toBe(true);
    expect(await release()).toMatchObject({ kind: 'released', repeated: false, withoutControl: 'WABC.csv.ctl' });
    expect(await release()).toMatchObject({ kind: 'released', repeated: true });
    await world.continueAll();
    expect(world.sentOf(source)).toBe(rows.length);
    expect(world.account(source).decisions).toHaveLength(1);
    const other = await world.store('WXYZ.csv', `${file}\n`);
    await world.drop('WXYZ.csv.ctl', JSON.stringify({ records: rows.length }));
    await world.announce(other);
    expect(await ledger.releaseWaiting(world.account(other).fileId, 'ann', 'it is late')).toBeUndefined();
  });

  it('can be cancelled: it is cut to its end, and nothing of it is sent', async () => {
    const world = new ControlWorld('counts');
    const source = await world.drop('WABC.csv', file);
    await world.world.ports.ledger.cancelFile(world.account(source).fileId, { by: 'ann', why: 'wrong day' });
    await world.announce(source);
    expect(world.account(source)).toMatchObject({
      state: 'split',
      control: { state: 'not_compared' },
      totalRecords: rows.length,
    });
    expect(world.sentOf(source)).toBe(0);
  });

  it('that is being compared is lost to its splitter when a person releases it', async () => {
    const world = new ControlWorld('counts');
    const source = await world.drop('WABC.csv', file);
    await world.clock.advance(61_000);
    await world.store('WABC.csv.ctl', '{"records":1}').then((each) => world.announce(each));
    const { ledger } = world.world.ports;
    world.world.onStep = (step) => {
      if (step !== 'before a list') return;
      world.world.onStep = () => undefined;
      void ledger.releaseWaiting(world.account(source).fileId, 'ann', 'no time');
    };
    await world.announce(source, noDeadline).catch(() => undefined);
    await world.announce(source);
    expect(world.account(source).control?.state).toBe('not_compared');
    expect(world.sentOf(source)).toBe(rows.length);
  });
});

describe('a revision of a series whose files have control files', () => {
  const series = (world: ControlWorld) =>
    Object.assign(world.world.ports, {
      series: {
        pattern: parseSeriesPattern('WABC_R{#}.csv'),
        isConfigured: true,
        setting: 'SLUICE_TRAFFIC_SERIES',
        keyPrefix: 'traffic/',
        rules: { replaces: false, guard: 0.3 },
      },
    });

  it('is compared with its control file before it is compared with the earlier one', async () => {
    const world = new ControlWorld('counts');
    series(world);
    const first = await world.store('WABC_R1.csv', file);
    await world.drop('WABC_R1.csv.ctl', counts);
    await world.announce(first);
    expect(world.sentOf(first)).toBe(rows.length);
    const second = await world.store('WABC_R2.csv', `${file}${row('SP-99', 30)}\n`);
    await world.drop('WABC_R2.csv.ctl', counts);
    await world.announce(second);
    expect(world.account(second)).toMatchObject({
      control: { state: 'differs' },
      quarantine: { code: 'control_differs' },
    });
    expect(world.sentOf(second)).toBe(0);
  });

  it('is still held as a revision if a person has released it before its control file came', async () => {
    const world = new ControlWorld('counts');
    series(world);
    const first = await world.store('WABC_R1.csv', file);
    await world.drop('WABC_R1.csv.ctl', counts);
    await world.announce(first);
    const second = await world.drop('WABC_R2.csv', `${file}${row('SP-99', 30)}\n`);
    await world.world.ports.ledger.releaseWaiting(world.account(second).fileId, 'ann', 'it is late');
    await world.announce(second);
    const account = world.account(second);
    expect(account.quarantine).toMatchObject({ code: 'revision_unknown', number: 2 });
    expect(isQuarantined(account)).toBe(true);
    expect(world.sentOf(second)).toBe(0);
  });
});
