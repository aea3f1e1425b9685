import { beforeEach, describe, expect, it } from 'vitest';
import type { LogRow } from '../support/log-rows.ts';
import { RevisionWorld } from '../support/revision-world.ts';
import { KilledError } from '../support/steps.ts';

let world: RevisionWorld;
beforeEach(() => void (world = new RevisionWorld('doubles')));

const rowsOf = (count: number): LogRow[] =>
  Array.from({ length: count }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));
const damaged = (rows: readonly LogRow[], spot: number): LogRow[] =>
  rows.with(spot - 1, { spot: `S${spot}`, client: `Client ${spot}`, isDamaged: true });
const run = () => world.run(() => ({ index: 0, isRepeated: false }));
const scheduleOf = (rows: readonly LogRow[]) => Object.fromEntries(rows.map(({ spot, client }) => [spot, client]));
const deadOf = (file: number, record: number) => world.ledger.getDead(`traffic.${file}`, record);

describe('a corrected row of a revision, where the API keeps both of a changed record,', () => {
  const row = { spot: 'S3', client: 'Corrected' };

  beforeEach(async () => {
    world.drop(1, rowsOf(6));
    await run();
    world.drop(2, damaged([...rowsOf(6), { spot: 'S7', client: 'New' }], 3));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', rejected_records: 1 });
  });

  it('is not sent, since the API may have it from an earlier revision; the reason says what to do', async () => {
    await world.correct('traffic.2', 3, row);
    await run();
    expect(world.api.requests).toBe(7);
    expect(world.api.doubled).toEqual([]);
    const { state, history } = (await deadOf(2, 3)) ?? {};
    expect(state).toBe('dead');
    expect(history?.at(-1)).toMatchObject({ outcome: 'refused', reason: 'earlier_unknown' });
    expect(history?.at(-1)?.error).toMatch(/drop that as the next revision.*--as-new/s);
  });

  it('is sent if a person knows that the API does not have it', async () => {
    world.api.remove('S3');
    await world.correct('traffic.2', 3, row, { asNew: true });
    await run();
    expect(world.api.doubled).toEqual([]);
    expect(world.api.schedule.get('S3')).toBe('Corrected');
    expect(await deadOf(2, 3)).toMatchObject({ state: 'resolved', correction: { isNew: true } });
  });

  it('is not sent either if the feed declares another API by then, for which the file was not compared', async () => {
    world.rules = { changedRecords: 'replaces', guard: 1 };
    await world.correct('traffic.2', 3, row);
    await run();
    expect(world.api.requests).toBe(7);
  });
});

describe('what is declared of an API', () => {
  it('is stored with the revision: a corrected row is sent although nothing is declared any more', async () => {
    world = new RevisionWorld('replaces');
    world.drop(1, rowsOf(6));
    await run();
    world.drop(2, damaged([...rowsOf(6), { spot: 'S7', client: 'New' }], 3));
    await run();
    expect(world.file('traffic.2').revision).toMatchObject({ replaces: true });
    world.rules = { guard: 1 };
    await world.correct('traffic.2', 3, { spot: 'S3', client: 'Corrected' });
    await run();
    expect(world.api.schedule.get('S3')).toBe('Corrected');
  });

  it('does not concern the first file of a series', async () => {
    world.drop(1, damaged(rowsOf(6), 3));
    await run();
    await world.correct('traffic.1', 3, { spot: 'S3', client: 'Corrected' });
    await run();
    expect(world.api.schedule.get('S3')).toBe('Corrected');
  });
});

describe('a record that one revision removes and the next one has again', () => {
  const third = [...rowsOf(6), { spot: 'S7', client: 'New' }];

  async function dropThree(): Promise<void> {
    world.drop(1, rowsOf(6));
    await run();
    world.drop(2, rowsOf(6).toSpliced(2, 1));
    await run();
    world.drop(3, third);
    await run();
  }

  it('counts as changed: where the API keeps both, a person decides', async () => {
    await dropThree();
    expect(world.api.doubled).toEqual([]);
    expect(world.manifestOf('traffic.3')).toMatchObject({
      state: 'quarantined',
      failure: { code: 'revision_differs' },
    });
    expect(world.file('traffic.3').revision?.counts).toEqual({ unchanged: 5, changed: 1, added: 1, removed: 0 });
  });

  it('replaces what no person has removed', async () => {
    world = new RevisionWorld('supersedes');
    await dropThree();
    expect(world.api.doubled).toEqual([]);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(third));
  });

  it('is new again after the person has removed it', async () => {
    world = new RevisionWorld('supersedes');
    world.drop(1, rowsOf(6));
    await run();
    world.drop(2, rowsOf(6).toSpliced(2, 1));
    await run();
    world.api.remove('S3');
    world.drop(3, third);
    await run();
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(third));
  });
});

describe('a record of an earlier revision that may have been sent when a newer one took over', () => {
  const refusing = ({ payload }: { payload: Record<string, unknown> }) =>
    payload['spot_id'] === 'S3' ? ({ kind: 'refused', status: 422, answer: 'no contract' } as const) : undefined;
  const second = [...rowsOf(6).with(2, { spot: 'S3', client: 'Changed' }), { spot: 'S7', client: 'New' }];

  /** The consumer is killed once the API has stored the spot. */
  async function killAfterStored(spot: string): Promise<void> {
    world.api.turn = () => undefined;
    world.onStep = () => {
      if (!world.api.schedule.has(spot)) return;
      world.onStep = () => undefined;
      throw new KilledError('killed');
    };
    const isSending = ({ task }: (typeof world.queue)[number]) => ['letter', 'correction'].includes(task.kind);
    await world.clock.advance(2);
    while (!world.api.schedule.has(spot)) await world.handle(world.queue.findIndex(isSending), false);
  }

  beforeEach(async () => {
    world = new RevisionWorld('supersedes');
    world.api.turn = refusing;
    world.drop(1, rowsOf(6));
    await run();
    expect(world.manifestOf('traffic.1')).toMatchObject({ refused_records: 1 });
  });

  it('is noted as in doubt if its redrive was killed, and comes back after that', async () => {
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await killAfterStored('S3');
    world.drop(2, second);
    await run();
    expect((await deadOf(1, 3))?.history.at(-1)).toMatchObject({ outcome: 'exhausted', reason: 'superseded' });
    expect(world.api.doubled).toEqual([]);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(second));
  });

  it('is noted so although an earlier redrive was refused for certain', async () => {
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await run();
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await killAfterStored('S3');
    world.drop(2, second);
    await run();
    expect(world.api.doubled).toEqual([]);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(second));
  });

  it('is new if each redrive was refused for certain: no person must decide about it', async () => {
    world = new RevisionWorld('doubles');
    world.api.turn = refusing;
    world.drop(1, rowsOf(6));
    await run();
    for (let nth = 0; nth < 2; nth++) {
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
      await run();
    }
    world.api.turn = () => undefined;
    world.drop(2, second);
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', uploaded_records: 2 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(second));
  });

  it('is noted as in doubt if its correction was killed, although another one has come since', async () => {
    await world.correct('traffic.1', 3, { spot: 'S33', client: 'First' });
    await killAfterStored('S33');
    // The other one is refused for certain, and the newer revision comes before the first one's message does again.
    world.api.turn = ({ payload }) =>
      payload['advertiser'] === 'Second' ? { kind: 'refused', status: 422, answer: 'no' } : undefined;
    await world.correct('traffic.1', 3, { spot: 'S33', client: 'Second' });
    await world.handle(world.queue.length - 1, false);
    expect((await deadOf(1, 3))?.correction?.row).toMatchObject({ ClientName: 'Second' });
    const again = [...second, { spot: 'S33', client: 'Third' }];
    world.drop(2, again);
    await run();
    expect((await deadOf(1, 3))?.history.map(({ reason }) => reason)).toContain('corrected_again');
    // Under which identity is not known.
    expect(world.manifestOf('traffic.2')?.failure?.code).toBe('revision_unknown');
    expect(world.api.doubled).toEqual([]);
  });

  it('is superseded without a person’s decision if two corrections in doubt have its identity', async () => {
    await world.correct('traffic.1', 3, { spot: 'S3', client: 'First' });
    await killAfterStored('S3');
    await world.correct('traffic.1', 3, { spot: 'S3', client: 'Second' });
    await world.handle(world.queue.length - 1, false);
    expect((await deadOf(1, 3))?.history.map(({ reason }) => reason)).toContain('corrected_again');
    world.drop(2, second);
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed' });
    expect(world.api.doubled).toEqual([]);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(second));
  });

  it('is noted as in doubt if its redrive was killed, although a correction to another spot was delivered', async () => {
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await killAfterStored('S3');
    await world.correct('traffic.1', 3, { spot: 'S33', client: 'Other' });
    await world.handle(world.queue.length - 1, false);
    expect(await deadOf(1, 3)).toMatchObject({
      state: 'resolved',
      history: [{}, { outcome: 'exhausted', reason: 'resolved_meanwhile' }],
    });
    const again = [...second, { spot: 'S33', client: 'Other' }];
    world.drop(2, again);
    await run();
    expect(world.api.doubled).toEqual([]);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(again));
  });

  it('is noted as in doubt if its correction was killed, although another one was delivered', async () => {
    await world.correct('traffic.1', 3, { spot: 'S33', client: 'First' });
    await killAfterStored('S33');
    await world.correct('traffic.1', 3, { spot: 'S3', client: 'Second' });
    await world.handle(world.queue.length - 1, false);
    expect(await deadOf(1, 3)).toMatchObject({ state: 'resolved', resolution: 'uploaded' });
    world.drop(2, [...second, { spot: 'S33', client: 'Third' }]);
    await run();
    expect(world.api.doubled).toEqual([]);
    expect(world.manifestOf('traffic.2')?.failure?.code).toBe('revision_unknown');
  });
});

describe('a correction that was refused for certain', () => {
  it('is not in doubt when a newer revision takes over, which is sent', async () => {
    world.drop(1, damaged(rowsOf(6), 3));
    await run();
    world.api.turn = () => ({ kind: 'refused', status: 422, answer: 'no contract' });
    await world.correct('traffic.1', 3, { spot: 'S3', client: 'Corrected' });
    await run();
    world.api.turn = () => undefined;
    world.drop(2, rowsOf(6));
    await run();
    expect(world.manifestOf('traffic.2')).toMatchObject({ state: 'completed', unchanged_records: 5 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(6)));
  });
});

describe('two corrections of a record', () => {
  it('are both waiting for the API: the newer one is sent when it can be', async () => {
    world = new RevisionWorld('replaces');
    world.drop(1, damaged(rowsOf(6), 3));
    await run();
    world.api.turn = () => ({ kind: 'failed', status: 503, reason: 'http_503', ambiguous: false });
    for (const client of ['First', 'Second']) {
      await world.correct('traffic.1', 3, { spot: 'S3', client });
      await world.handle(world.queue.length - 1, false);
    }
    world.api.turn = () => undefined;
    await run();
    expect(world.api.schedule.get('S3')).toBe('Second');
    expect(await deadOf(1, 3)).toMatchObject({ state: 'resolved', correction: { row: { ClientName: 'Second' } } });
  });
});
