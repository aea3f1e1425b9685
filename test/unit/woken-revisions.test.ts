import { beforeEach, expect, it } from 'vitest';
import { describeLive } from '../../cli/live/describe-file.ts';
import { isWaitingForRevision } from '../../lambdas/core/series/waiting-revision.ts';
import { wakeRevisions } from '../../lambdas/finalizer/wake-revisions.ts';
import { silentLog } from '../support/in-memory-ports.ts';
import type { LogRow } from '../support/log-rows.ts';
import { RevisionWorld } from '../support/revision-world.ts';

const earlier = 'traffic.1';
const newer = 'traffic.2';
const rows: LogRow[] = Array.from({ length: 12 }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${n + 1}` }));
const changed = rows.with(0, { spot: 'S1', client: 'Changed' });

let world: RevisionWorld;
beforeEach(() => void (world = new RevisionWorld()));

const inOrder = () => ({ index: 0, isRepeated: false });
const looks = () => world.queue.filter(({ task }) => task.kind === 'continue' && task.fileId === newer);
/** Its own message about a later look has a delay; that of the finalizer has none. */
const delayed = () => looks().filter(({ dueAt }) => dueAt > world.clock.now());

async function handle(kind: 'drop' | 'batch', fileId: string): Promise<void> {
  const isAbout = ({ task }: (typeof world.queue)[number]): boolean =>
    task.kind === kind && ('message' in task ? 'fileId' in task.message && task.message.fileId === fileId : true);
  await world.handle(world.queue.findIndex(isAbout), false);
}

/** The newer one has stopped the earlier one, of which a batch was sent, and waits for it. */
async function waitFor(): Promise<void> {
  world.drop(1, rows);
  await handle('drop', earlier);
  await handle('batch', earlier);
  world.drop(2, changed);
  await handle('drop', newer);
  expect(world.file(newer)).toMatchObject({ state: 'splitting', waitsFor: { fileId: earlier } });
}

const lose = (lost: typeof world.queue): void => {
  for (const each of lost) world.queue.splice(world.queue.indexOf(each), 1);
};

function expectSent(): void {
  expect(world.manifestOf(newer)).toMatchObject({ state: 'completed', reconciled: true });
  const schedule = Object.fromEntries(changed.map(({ spot, client }) => [spot, client]));
  expect(Object.fromEntries(world.api.schedule)).toEqual(schedule);
  expect(world.api.doubled).toEqual([]);
}

it('a revision is woken when the one that it waits for is closed', async () => {
  await waitFor();
  lose(delayed());
  await world.run(inOrder);
  expectSent();
});

it('a revision is woken when the one that it waits for has an amended manifest', async () => {
  // A dead letter, which the newer one settles: it is sent once the account of the earlier one says so.
  world.api.turn = ({ payload }) =>
    payload['spot_id'] === 'S2' ? { kind: 'refused', status: 422, answer: '' } : undefined;
  await waitFor();
  world.api.turn = () => undefined;
  lose(delayed());
  world.onHandled = () => lose(delayed());
  await world.run(inOrder);
  expect(world.manifestOf(earlier)).toMatchObject({ manifest_number: 2, handled_records: 1 });
  expectSent();
});

it('a revision whose wake-up is lost looks by itself', async () => {
  await waitFor();
  let lost = 0;
  world.onHandled = () => {
    const woken = looks().filter((each) => !delayed().includes(each));
    lost += woken.length;
    lose(woken);
  };
  await world.run(inOrder);
  expect(lost).toBe(1);
  expectSent();
});

it('a revision that is woken twice, and looks by itself as well, is sent once', async () => {
  await waitFor();
  let repeated = 0;
  await world.run(() => {
    const [first] = looks();
    if (!first) return inOrder();
    return { index: world.queue.indexOf(first), isRepeated: repeated++ < 3 };
  });
  expect(repeated).toBeGreaterThan(3);
  expectSent();
});

it('a file that cannot wake the others is closed all the same', async () => {
  await waitFor();
  const ledger = { ...world.ledger, findInSeries: () => Promise.reject(new Error('throttled')) };
  const intakeOf = () => ({ send: () => Promise.reject(new Error('not reached')) });
  await wakeRevisions(world.file(earlier), { ledger, intakeOf, log: silentLog });
});

it('a released revision that waits says for which one, and since when, until it is sent', async () => {
  const third = 'traffic.3';
  world.drop(1, rows);
  await world.run(inOrder);
  // Neither has a record in common with the first: a person decides about both.
  world.drop(2, [{ spot: 'X1', client: 'Other' }]);
  world.drop(3, [{ spot: 'Y1', client: 'Another' }]);
  await world.run(inOrder);
  expect([newer, third].map((id) => world.file(id).state)).toEqual(['quarantined', 'quarantined']);
  await world.release(newer, 'all');
  await world.handle(0, false);
  const batches = world.takeMessages(newer);
  await world.clock.advance(60_000);
  await world.release(third, 'all');
  const releasedAt = world.clock.now();
  await world.handle(0, false);
  const waiting = world.file(third);
  expect(waiting.waitsFor).toEqual({ fileId: newer, since: releasedAt });
  const shown = describeLive(waiting, { projection: undefined, openDead: 0, zone: 'UTC', now: releasedAt });
  expect(shown).toMatchObject({ activity: 'waiting', projected: expect.stringContaining(newer) as string });
  // Each look says that it has not stalled.
  await world.clock.advance(30_000);
  await world.handle(0, false);
  expect(world.file(third)).toMatchObject({ waitsFor: waiting.waitsFor, updatedAt: world.clock.now() });
  expect(world.queue).toHaveLength(1);
  world.queue.push(...batches);
  await world.run(inOrder);
  expect(world.manifestOf(third)).toMatchObject({ state: 'completed', uploaded_records: 1 });
  expect(isWaitingForRevision(world.file(third))).toBe(false);
});
