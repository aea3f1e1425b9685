import { expect, it } from 'vitest';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import type { LogRow } from '../support/revision-world.ts';
import { RevisionWorld } from '../support/revision-world.ts';

/** For a longer run than CI's. */
const runs = Number(process.env['SIMULATION_RUNS'] ?? 500);
const first = Number(process.env['SIMULATION_SEED'] ?? 1);

/** A log that is exported again: edited, with rows added, removed, repeated or damaged, or unchanged. */
function nextRevision(before: readonly (readonly LogRow[])[], dice: SeededDice, replaces: boolean): LogRow[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(dice.next() * from.length)] as T;
  // Dropped again with the same bytes.
  if (dice.next() < 0.15) return [...pick(before)];
  const base = dice.next() < 0.2 ? pick(before) : (before.at(-1) ?? []);
  const rows = base.map(({ spot, client }): LogRow => ({ spot, client }));
  for (let changes = Math.floor(dice.next() * 4); changes > 0; changes--) {
    const at = Math.floor(dice.next() * rows.length);
    const what = dice.next();
    if (what < 0.35 && rows[at] && replaces)
      rows[at] = { spot: rows[at].spot, client: `Client ${Math.floor(dice.next() * 4)}` };
    else if (what < 0.5) rows.splice(at, 1);
    else if (what < 0.7) rows.push({ spot: `A${Math.floor(dice.next() * 1000)}`, client: 'Added' });
    else if (what < 0.8 && rows[at] && replaces)
      rows.push({ spot: rows[at].spot, client: dice.next() < 0.5 ? rows[at].client : 'Twice' });
    else if (rows[at]) rows[at] = { ...rows[at], isDamaged: true };
  }
  // Otherwise other bytes than any before it.
  return [...rows, { spot: `N${before.length}`, client: 'Note' }];
}

/**
 * What the API must have of the newest revision: a good row of each spot. Of several with one identity, the API keeps the one
 * that it saw first, and batches are sent side by side.
 */
function expectedOf(rows: readonly LogRow[]): Map<string, string[]> {
  const expected = new Map<string, string[]>();
  for (const { spot, client, isDamaged } of rows) {
    if (!isDamaged) expected.set(spot, [...(expected.get(spot) ?? []), client]);
  }
  return expected;
}

interface Totals {
  unchanged: number;
  states: Map<string, number>;
}

async function simulate(seed: number, totals: Totals): Promise<void> {
  const dice = new SeededDice(seed);
  const api = dice.next();
  const changed = api < 0.3 ? 'replaces' : api < 0.65 ? 'supersedes' : 'doubles';
  const replaces = changed !== 'doubles';
  // A person knows that an API replaces records by a key; without the header, no API supersedes one.
  const isDeclared = changed === 'supersedes' || (replaces && dice.next() < 0.6);
  const world = new RevisionWorld(changed, isDeclared);
  const isHarsh = dice.next() < 0.7;
  let steps = 0;
  world.onStep = () => {
    steps++;
    if (isHarsh && dice.next() < 0.004) throw new Error('killed');
  };
  world.api.turn = () => {
    const chance = dice.next();
    if (chance < 0.02) return 'store-and-fail';
    if (chance < 0.04) return { kind: 'refused', status: 422, answer: 'no contract' };
    if (chance < 0.05) return { kind: 'failed', status: 503, reason: 'http_503', ambiguous: false };
    return undefined;
  };
  const revisions: LogRow[][] = [
    Array.from({ length: 12 }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${Math.floor(dice.next() * 4)}` })),
  ];
  for (let n = Math.floor(dice.next() * 3) + 1; n > 0; n--) revisions.push(nextRevision(revisions, dice, replaces));
  // Records that a completed revision no longer has are removed manually.
  const cleaned = new Set<number>();
  world.onHandled = () => {
    for (const [index, rows] of revisions.entries()) {
      if (cleaned.has(index) || world.manifestOf(`traffic.${index + 1}`)?.state !== 'completed') continue;
      cleaned.add(index);
      const spots = new Set(rows.map(({ spot }) => spot));
      for (const spot of world.api.schedule.keys()) if (!spots.has(spot)) world.api.remove(spot);
    }
  };
  // An API that does not keep both of a record can be sent all of them.
  const answers = new SeededDice(-seed);
  const answer = () => (answers.next() < 0.3 ? 'all' : 'changes');
  let at = 0;
  for (const [index, rows] of revisions.entries()) {
    world.drop(index + 1, rows, at);
    at += dice.next() < 0.5 ? 1 : Math.floor(dice.next() * 300_000);
  }
  /** A person corrects a row that has failed, sometimes to another spot. */
  const correct = async (): Promise<void> => {
    const number = Math.floor(dice.next() * revisions.length);
    const record = Math.floor(dice.next() * 14) + 1;
    const isOther = dice.next() < 0.3;

    const fileId = `traffic.${number + 1}`;
    const row = revisions[number]?.[record - 1];
    if (!row || (await world.ledger.getDead(fileId, record))?.state !== 'dead') return;
    await world.correct(fileId, record, isOther ? { spot: `C${record}`, client: 'Corrected' } : row);
  };
  let cancels = Math.floor(dice.next() * 3);
  let deploys = dice.next() < 0.3 ? 1 : 0;
  const pick = (due: number) => {
    // Redrives come at any moment.
    if (world.dlq.length > 0 && dice.next() < 0.05) {
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
    }
    // So do releases, where a person knows that the API replaces a changed record.
    const held = revisions.findIndex((_, index) => world.manifestOf(`traffic.${index + 1}`)?.state === 'quarantined');
    if (held >= 0 && replaces && dice.next() < 0.1) world.askToRelease(`traffic.${held + 1}`, answer());
    // And corrections, cancels, and deploys.
    if (dice.next() < 0.04) void correct().catch(() => undefined);
    if (cancels > 0 && dice.next() < 0.02) {
      cancels--;
      world.askToCancel(`traffic.${Math.floor(dice.next() * revisions.length) + 1}`);
    }
    if (deploys > 0 && dice.next() < 0.02) {
      deploys--;
      world.deploy();
    }
    return { index: Math.floor(dice.next() * due), isRepeated: dice.next() < 0.05 };
  };
  await world.run(pick);
  world.api.turn = () => undefined;
  for (let round = 0; round < 4; round++) {
    for (const letter of world.dlq.splice(0)) world.redrive(letter);
    for (const [index] of revisions.entries()) {
      const fileId = `traffic.${index + 1}`;
      const code = world.manifestOf(fileId)?.failure?.code;
      // It has stopped an earlier one that was sent whole, and is held itself: what both have waits for a person.
      const hasStopped =
        code === 'revision_differs' && (await world.ledger.getFile(fileId).catch(() => undefined))?.guard === 'passed';
      const isAnswered = code === 'cancelled' || code === 'rules_changed' || (hasStopped && replaces);
      // Where the API keeps both of a changed record, a person does not ask for the changes.
      const plainly = code === 'cancelled' ? undefined : ('changes' as const);
      if (isAnswered) world.askToRelease(fileId, replaces ? answer() : plainly);
    }
    await world.run(pick);
  }

  const manifests = revisions.map((_, index) => world.manifestOf(`traffic.${index + 1}`));
  for (const manifest of manifests) expect(manifest).toMatchObject({ reconciled: true });
  const states = manifests.map(
    (manifest) => `${manifest?.state}${manifest?.failure ? `: ${manifest.failure.code}` : ''}`,
  );
  // A late revision is superseded: those that were dropped at the same moment come in any order.
  // A duplicate of one that is held is held with it.
  const isSent = (manifest: Manifest | undefined): boolean =>
    manifest?.state === 'completed' ||
    (manifest?.duplicate_of != null && world.manifestOf(manifest.duplicate_of)?.state === 'completed');
  const newest = manifests.findLastIndex(isSent);
  expect(newest, states.join(', ')).toBeGreaterThanOrEqual(0);
  expect(world.api.doubled).toEqual([]);
  for (const state of states) totals.states.set(state, (totals.states.get(state) ?? 0) + 1);
  for (const manifest of manifests) totals.unchanged += manifest?.unchanged_records ?? 0;
  for (const [spot, clients] of expectedOf(revisions[newest] ?? [])) {
    expect(clients, `${spot}; ${states.join(', ')}; ${steps} steps`).toContain(world.api.schedule.get(spot));
  }
}

it(
  `${runs} nights of a log that is exported again leave the API with the newest revision`,
  { timeout: Math.max(300_000, 1_000 * runs) },
  async () => {
    const totals: Totals = { unchanged: 0, states: new Map() };
    for (let seed = first; seed < first + runs; seed++) {
      await simulate(seed, totals).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
    }
    // A simulation in which nothing is compared, held or late would show nothing.
    expect(totals.unchanged).toBeGreaterThan(5 * runs);
    expect([...totals.states.keys()]).toEqual(
      expect.arrayContaining([
        'completed',
        'superseded: older_revision',
        'superseded: newer_revision',
        'quarantined: revision_differs',
      ]),
    );
    if (process.env['SIMULATION_SEED']) console.log(totals);
  },
);
