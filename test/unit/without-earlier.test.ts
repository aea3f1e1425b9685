import { beforeEach, describe, expect, it } from 'vitest';
import { fileKey } from '../../lambdas/core/ledger/ledger-keys.ts';
import type { LogRow } from '../support/log-rows.ts';
import { RevisionWorld } from '../support/revision-world.ts';
import { KilledError } from '../support/steps.ts';

let world: RevisionWorld;
beforeEach(() => void (world = new RevisionWorld()));

const rowsOf = (count: number): LogRow[] =>
  Array.from({ length: count }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));
const inOrder = () => ({ index: 0, isRepeated: false });
const run = () => world.run(inOrder);
const scheduleOf = (rows: readonly LogRow[]) => Object.fromEntries(rows.map(({ spot, client }) => [spot, client]));

const earlier = 'traffic.1';
const newer = 'traffic.2';
const changed = rowsOf(12).with(0, { spot: 'S1', client: 'Changed' }).with(7, { spot: 'S8', client: 'Changed' });

type Queued = RevisionWorld['queue'][number];
const fileOf = ({ task }: Queued) => ('fileId' in task ? task.fileId : 'message' in task ? fileIdIn(task.message) : '');
const fileIdIn = (message: object) => (message as { fileId: string }).fileId;

/** The messages of a file are lost. */
const lose = (fileId: string): Queued[] => world.takeMessages(fileId);

async function handle(kind: Queued['task']['kind'], fileId: string): Promise<void> {
  await world.handle(
    world.queue.findIndex((each) => each.task.kind === kind && fileOf(each) === fileId),
    false,
  );
}

/**
 * The first batch of the earlier revision is sent, the consumer of the second one is killed at its third request, and the
 * messages of the others are lost: nothing closes it.
 */
async function stick(rows: readonly LogRow[] = rowsOf(12), number = 1): Promise<Queued[]> {
  const fileId = world.drop(number, rows);
  await handle('drop', fileId);
  await handle('batch', fileId);
  let sent = 0;
  world.api.turn = () => {
    if (++sent > 2) throw new KilledError('killed');
    return undefined;
  };
  await handle('batch', fileId);
  world.api.turn = () => undefined;
  return lose(fileId);
}

/** The newer one has stopped it, and waits. */
async function waitFor(rows: readonly LogRow[] = changed): Promise<void> {
  world.drop(2, rows);
  await handle('drop', newer);
  expect(world.file(newer)).toMatchObject({ state: 'splitting', waitsFor: { fileId: earlier } });
}

/** Half an hour later, it waits still. */
const expectStuck = () => expect(world.run(inOrder, 60)).rejects.toThrow('waits for ever');
const without = () => world.goWithout(newer, earlier);
const decision = { kind: 'without', by: 'ann', why: 'it hangs', newer_file_id: newer, earlier_file_id: earlier };

describe('a revision that waits for one that does not close', () => {
  it.each(['replaces', 'supersedes'] as const)('goes on without it, where the API %s a changed record', async (api) => {
    world = new RevisionWorld(api);
    await stick();
    await waitFor();
    await expectStuck();
    expect(await without()).toMatchObject({ kind: 'going-on', repeated: false });
    // It does not look before the other one can be closed.
    const looks = world.queue.filter((each) => each.task.kind === 'continue' && fileOf(each) === newer);
    expect(Math.min(...looks.map(({ dueAt }) => dueAt))).toBe(world.clock.now() + 5_000);
    const requests = world.api.requests;
    await run();
    // Nothing more of it is sent; what may have been sent is in doubt, and sent again as it is now.
    expect(world.manifestOf(earlier)).toMatchObject({
      ...{ state: 'superseded', reconciled: true, failure: { code: 'newer_revision' } },
      ...{ total_records: 12, uploaded_records: 5, exhausted_records: 5, held_records: 2 },
      // Its dead letters are settled, so that a redrive sends none of them.
      ...{ dead_lettered_records: 0, handled_records: 5, decisions: [decision, { kind: 'resolve', by: 'Sluice' }] },
    });
    expect(world.manifestOf(newer)).toMatchObject({
      ...{ state: 'completed', reconciled: true, unchanged_records: 4, uploaded_records: 8, decisions: [decision] },
    });
    if (api === 'replaces') expect(world.api.requests).toBe(requests + 8);
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
    expect(world.api.doubled).toEqual([]);
  });

  it('is held if nothing closes the earlier one, and a person decides what is sent', async () => {
    const lost = await stick();
    await waitFor();
    await without();
    const decidedAt = world.clock.now();
    // Its functions fail.
    lose(earlier);
    const requests = world.api.requests;
    await run();
    expect(world.manifestOf(newer)).toMatchObject({ state: 'quarantined', failure: { code: 'revision_unknown' } });
    expect(world.clock.now() - decidedAt).toBeGreaterThan(15 * 60_000);
    expect(await world.release(newer, 'changes')).toMatchObject({ kind: 'refused' });
    expect(await world.release(newer, 'all')).toMatchObject({ kind: 'released' });
    await run();
    expect(world.manifestOf(newer)).toMatchObject({ state: 'completed', uploaded_records: 12 });
    expect(world.api.requests).toBe(requests + 12);
    // What comes late of the earlier one sends nothing, and closes it.
    world.queue.push(...lost.map((each) => ({ ...each, dueAt: world.clock.now() })));
    await run();
    expect(world.manifestOf(earlier)).toMatchObject({ state: 'superseded', exhausted_records: 5, held_records: 2 });
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    await run();
    expect(world.api.requests).toBe(requests + 12);
    expect(await world.release(earlier)).toMatchObject({ kind: 'refused' });
    // The third is compared with the second alone.
    const third = [...changed.slice(1), { spot: 'S13', client: 'New' }];
    world.drop(3, third);
    await run();
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed', unchanged_records: 11 });
    world.api.remove('S1');
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(third));
    expect(world.api.doubled).toEqual([]);
  });

  it('is compared with what has closed the earlier one meanwhile, when a person answers', async () => {
    world = new RevisionWorld('supersedes');
    const lost = await stick(rowsOf(12).with(2, { spot: 'S3', client: 'Three', isDamaged: true }));
    await waitFor();
    await without();
    lose(earlier);
    await run();
    expect(world.manifestOf(newer)).toMatchObject({ state: 'quarantined', failure: { code: 'revision_unknown' } });
    world.queue.push(...lost.map((each) => ({ ...each, dueAt: world.clock.now() })));
    await run();
    // Its dead letter is settled only now, so its manifest is amended.
    await world.release(newer, 'all');
    await run();
    expect(world.manifestOf(earlier)).toMatchObject({ state: 'superseded', manifest_number: 2 });
    expect(world.manifestOf(newer)).toMatchObject({ state: 'completed', uploaded_records: 12 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
    expect(world.api.doubled).toEqual([]);
  });

  it('goes on without an amended manifest that nothing writes', async () => {
    await stick();
    await waitFor();
    const waiting = lose(newer);
    // Nor is it woken.
    world.onHandled = () => void lose(newer);
    for (let n = 0; n < 2; n++) {
      world.askToMakeAgain(earlier);
      await run();
    }
    expect(world.file(earlier).state).toBe('superseded');
    await world.ledger.requestAmendment(earlier, 0);
    expect(await without()).toMatchObject({ kind: 'going-on' });
    world.onHandled = () => void lose(earlier);
    lose(earlier);
    world.queue.push(...waiting);
    await run();
    expect(world.manifestOf(newer)).toMatchObject({ state: 'quarantined', failure: { code: 'revision_unknown' } });
    await world.release(newer, 'all');
    await run();
    expect(world.manifestOf(newer)).toMatchObject({ state: 'completed' });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
  });

  it('does not make the one after it wait for the one that nothing closes', async () => {
    await stick();
    await waitFor();
    await without();
    lose(earlier);
    await run();
    await world.release(newer, 'all');
    await run();
    world.drop(3, rowsOf(12));
    await run();
    expect(world.file(earlier).state).toBe('split');
    expect(world.manifestOf('traffic.3')).toMatchObject({ state: 'completed', unchanged_records: 10 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(rowsOf(12)));
  });

  it('knows what the earlier one had found unchanged in a batch that is begun again', async () => {
    world = new RevisionWorld('supersedes');
    world.drop(1, rowsOf(22));
    await run();
    const second = rowsOf(22).map((row, n) => (n > 10 && n < 14 ? { ...row, client: 'Second' } : row));
    await stick(second, 2);
    // The second one found S11 and S15 unchanged, in the batch of ten whose consumer was killed.
    const third = second.with(10, { spot: 'S11', client: 'Third' }).toSpliced(14, 1);
    world.drop(3, third);
    await handle('drop', 'traffic.3');
    expect(await world.goWithout('traffic.3', 'traffic.2')).toMatchObject({ kind: 'going-on' });
    await run();
    const ends = { state: 'superseded', unchanged_records: 17, exhausted_records: 3, held_records: 2 };
    expect(world.manifestOf('traffic.2')).toMatchObject(ends);
    expect(world.manifestOf('traffic.3')).toMatchObject({
      state: 'completed',
      uploaded_records: 4,
      removed_records: 1,
    });
    world.api.remove('S15');
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(third));
    expect(world.api.doubled).toEqual([]);
  });

  it('goes on as soon as an outage leaves its records undecided', async () => {
    world.drop(1, rowsOf(12));
    await handle('drop', earlier);
    await handle('batch', earlier);
    // Stored, and not answered.
    world.api.turn = () => 'store-and-fail';
    await handle('batch', earlier);
    await waitFor();
    await without();
    world.api.turn = () => undefined;
    await run();
    expect(world.manifestOf(earlier)).toMatchObject({ state: 'superseded', reconciled: true, held_records: 2 });
    expect(world.manifestOf(newer)).toMatchObject({ state: 'completed' });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
  });

  it('goes on without one whose splitter never gets to the end', async () => {
    world.drop(1, rowsOf(12));
    world.limitQueue(4);
    await handle('drop', earlier);
    await handle('batch', earlier);
    lose(earlier);
    expect(world.file(earlier)).toMatchObject({ state: 'splitting' });
    world.limitQueue(1000);
    await waitFor();
    expect(await without()).toMatchObject({ kind: 'going-on' });
    await run();
    expect(world.manifestOf(earlier)).toMatchObject({ state: 'superseded', uploaded_records: 5, held_records: 7 });
    expect(world.manifestOf(newer)).toMatchObject({ state: 'completed', unchanged_records: 4 });
    expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
  });

  it('goes on with what a person has answered, after the earlier one was released once more and hangs', async () => {
    world = new RevisionWorld('doubles');
    world.drop(1, rowsOf(12));
    await handle('drop', earlier);
    await handle('batch', earlier);
    await world.ledger.cancelFile(earlier, { by: 'ann', why: 'it may be wrong' });
    await run();
    world.drop(2, changed);
    await run();
    expect(world.manifestOf(newer)).toMatchObject({ state: 'quarantined', failure: { code: 'revision_differs' } });
    await world.release(earlier);
    lose(earlier);
    await world.release(newer, 'changes');
    await expectStuck();
    expect(await without()).toMatchObject({ kind: 'going-on' });
    await run();
    expect(world.manifestOf(earlier)).toMatchObject({ state: 'superseded', held_records: 7 });
    expect(world.manifestOf(newer)).toMatchObject({ state: 'completed', reconciled: true, decisions: [{}, decision] });
  });
});

describe('the decision to go on without an earlier revision', () => {
  it('is made once, also if two people make it at once', async () => {
    await stick();
    await waitFor();
    const ends = await Promise.all([without(), world.goWithout(newer, earlier, { by: 'bob', why: 'the day is near' })]);
    expect(ends.map((end) => end.kind === 'going-on' && end.repeated).toSorted()).toEqual([false, true]);
    await run();
    const decisionsOf = (fileId: string) =>
      world.manifestOf(fileId)?.decisions?.filter(({ kind }) => kind === 'without');
    expect(decisionsOf(newer)).toHaveLength(1);
    expect(decisionsOf(earlier)).toEqual(decisionsOf(newer));
    // Repeated when all is over, it changes nothing.
    const { decisions } = world.file(newer);
    expect(await without()).toMatchObject({ kind: 'going-on', repeated: true });
    await run();
    expect(world.file(newer).decisions).toEqual(decisions);
  });

  it('can be repeated after its command was killed at any step', async () => {
    for (let step = 1; ; step++) {
      world = new RevisionWorld();
      await stick();
      await waitFor();
      let steps = 0;
      world.onStep = () => {
        if (++steps === step) throw new KilledError('killed');
      };
      const end = await without().catch(() => undefined);
      world.onStep = () => undefined;
      if (end) break;
      await without();
      await run();
      expect(world.manifestOf(newer)).toMatchObject({ state: 'completed', decisions: [decision] });
      expect(world.manifestOf(earlier)?.decisions?.filter(({ kind }) => kind === 'without')).toMatchObject([decision]);
      expect(Object.fromEntries(world.api.schedule)).toEqual(scheduleOf(changed));
    }
  });

  it.each([
    ['has just taken over', newer, { state: 'split', series: { id: 'a day', taken: true } }],
    ['no longer waits, since the earlier one has just been closed', earlier, { state: 'completed' }],
  ])('is not noted for a revision that %s, in the same millisecond', async (_, fileId, set) => {
    await stick();
    await waitFor();
    const { store } = world.ledger;
    const key = fileKey(fileId);
    world.onStep = ({ call, when }) => {
      if (call === 'updateAll' && when === 'before') store.plant({ ...store.peek(key), ...set }, key);
    };
    expect(await without()).toMatchObject({ kind: 'refused' });
    expect(world.file(newer).decisions).toBeUndefined();
  });

  it('is refused where nothing waits', async () => {
    await stick();
    expect(await world.goWithout('traffic.9', earlier)).toEqual({
      kind: 'refused',
      why: 'There is no file traffic.9.',
    });
    expect(await world.goWithout(earlier, 'traffic.9')).toEqual({
      kind: 'refused',
      why: 'There is no file traffic.9.',
    });
    await waitFor();
    expect(JSON.stringify(await world.goWithout(earlier, newer))).toContain('does not wait for an earlier revision');
    // Newer, and not stopping the other one, since a person must decide about it.
    world.drop(3, [{ spot: 'X1', client: 'Other' }]);
    await handle('drop', 'traffic.3');
    expect(world.file('traffic.3').waitsFor).toBeDefined();
    expect(JSON.stringify(await world.goWithout(newer, 'traffic.3'))).toContain(
      'is not an earlier revision of traffic.2',
    );
    expect(JSON.stringify(await world.goWithout(newer, newer))).toContain('is not an earlier revision of traffic.2');
    world.queue.splice(0);
    world.onHandled = () => [newer, 'traffic.3'].forEach(lose);
    for (let n = 0; n < 2; n++) {
      world.askToMakeAgain(earlier);
      await run();
    }
    expect(JSON.stringify(await without())).toContain('is closed (superseded)');
    expect(world.file(earlier).decisions ?? []).toEqual([]);
    expect(world.file(newer).decisions ?? []).toEqual([]);
  });
});
