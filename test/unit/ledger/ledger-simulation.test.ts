import { describe, expect, it } from 'vitest';
import { sumCounts } from '../../../lambdas/core/account/outcome.ts';
import type { Faults, FileResult, LedgerResult } from '../../support/ledger-simulation.ts';
import { LedgerSimulation } from '../../support/ledger-simulation.ts';

const calm: Faults = { killed: 0, lost: 0, stalled: 0, twice: 0, late: 0 };

/** The account is exact: every record once, with its expected outcome, in every place that counts it. */
function expectExact({ file, manifest, receipts, wanted }: FileResult, result: LedgerResult): void {
  if (manifest.state === 'duplicate') {
    expect(manifest).toMatchObject({ total_records: 0, reconciled: true });
    return;
  }
  const count = (outcome: 'uploaded' | 'rejected') => wanted.filter((each) => each === outcome).length;
  const counts = { uploaded_records: count('uploaded'), rejected_records: count('rejected') };
  expect(manifest).toMatchObject({ state: 'completed', total_records: wanted.length, reconciled: true, ...counts });
  expect(receipts.map(({ record, outcome }) => [record, outcome])).toEqual(
    wanted.map((outcome, index) => [index + 1, outcome]),
  );
  for (const { outcome, request_id: id } of receipts) {
    if (outcome === 'uploaded') expect(result.stored.get(id ?? '')).toBe(1);
  }
  wanted.forEach((outcome, index) => {
    expect(result.letters.has(`${file.fileId}#${index + 1}`)).toBe(outcome === 'rejected');
  });
  // Hints are sums over transactions: a batch that counted twice, or not at all, would show.
  expect(file).toMatchObject({ settledBatches: file.totalBatches, settled: { uploaded: counts.uploaded_records } });
  expect(sumCounts(file.settled)).toBe(wanted.length);
  const batches = result.ledger.batches.values().filter(({ fileId }) => fileId === file.fileId);
  expect(batches).toHaveLength(file.totalBatches ?? 0);
  for (const batch of batches) {
    expect(batch).toMatchObject({ state: 'settled' });
    expect(batch).not.toHaveProperty('leaseOwner');
  }
}

/** The same of a file that a person has stopped: each record has ended or is held, and no held one was sent. */
function expectStopped({ file, manifest, receipts, wanted }: FileResult, result: LedgerResult): void {
  expect(manifest).toMatchObject({
    state: 'quarantined',
    total_records: wanted.length,
    reconciled: true,
    failure: { code: 'cancelled', message: file.quarantine?.message },
  });
  const ranges = manifest.held_ranges.flatMap(({ first_record: first, last_record: last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  const numbers = [...receipts.map(({ record }) => record), ...ranges].sort((a, b) => a - b);
  expect(numbers).toEqual(wanted.map((_, index) => index + 1));
  for (const { record, outcome, request_id: id } of receipts) {
    // A held record has no letter either: its consumer may have been killed after it rejected the record.
    expect(result.letters.has(`${file.fileId}#${record}`)).toBe(outcome === 'rejected');
    if (outcome === 'held') continue;
    expect([record, outcome]).toEqual([record, wanted[record - 1]]);
    if (outcome === 'uploaded') expect(result.stored.get(id ?? '')).toBe(1);
  }
}

function expectDecisions({ file, manifest }: FileResult): void {
  const kinds = (file.decisions ?? []).map((each) => `${each.kind} ${'stop' in each ? each.stop : 0}`);
  expect(kinds).toEqual(kinds.map((_, nth) => `${nth % 2 === 0 ? 'cancel' : 'release'} ${Math.floor(nth / 2) + 1}`));
  expect(manifest.state).toBe(kinds.length % 2 === 1 ? 'quarantined' : 'completed');
}

async function simulateStops(faults: Faults, seeds: number) {
  const totals = { kills: 0, stops: 0, releases: 0, held: 0, partlyHeld: 0, stoppedTwice: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const result = await new LedgerSimulation(seed, faults, true).run();
      for (const each of result.files) {
        expectDecisions(each);
        if (each.manifest.state === 'completed') expectExact(each, result);
        else expectStopped(each, result);
        const decisions = each.file.decisions ?? [];
        totals.stops += decisions.filter(({ kind }) => kind === 'cancel').length;
        totals.releases += decisions.filter(({ kind }) => kind === 'release').length;
        totals.held += each.manifest.held_records;
        totals.partlyHeld += each.receipts.filter(({ outcome }) => outcome === 'held').length;
        totals.stoppedTwice += decisions.length > 2 ? 1 : 0;
      }
      // A held record was never sent: the API has those that were uploaded, and no others.
      const uploaded = result.files.reduce((sum, { manifest }) => sum + manifest.uploaded_records, 0);
      expect(result.stored.size).toBe(uploaded);
      totals.kills += result.kills;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : ''}`, { cause: error });
    }
  }
  return totals;
}

async function simulate(faults: Faults, seeds: number, firstSeed: number) {
  const totals = { kills: 0, lostAnswers: 0, duplicates: 0, records: 0 };
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const result = await new LedgerSimulation(seed, faults).run().catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    const states = result.files.map(({ manifest }) => manifest.state);
    try {
      for (const file of result.files) expectExact(file, result);
      // Of two with the same bytes, one is sent.
      expect(states).toContain('completed');
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : ''}`, { cause: error });
    }
    totals.kills += result.kills;
    totals.lostAnswers += result.lostAnswers;
    totals.duplicates += states.filter((state) => state === 'duplicate').length;
    totals.records += result.files.reduce((sum, { wanted }) => sum + wanted.length, 0);
  }
  return totals;
}

describe('the account of files and batches is exact', () => {
  it('if nothing goes wrong', async () => {
    expect(await simulate(calm, 40, 1)).toMatchObject({ kills: 0, lostAnswers: 0 });
  });

  it.each<[string, Faults, number]>([
    ['where functions are killed at any call', { ...calm, killed: 0.03 }, 240],
    ['where answers are lost', { ...calm, lost: 0.05 }, 240],
    ['where functions stall past their leases, and messages come twice', { ...calm, stalled: 0.05, twice: 0.5 }, 240],
    ['where every third message comes twice', { ...calm, twice: 0.33 }, 240],
    ['with all of that, and little time', { killed: 0.02, lost: 0.02, stalled: 0.02, twice: 0.2, late: 0.05 }, 240],
  ])('%s', async (_, faults, runs) => {
    const totals = await simulate(faults, runs, 1_000);
    if (faults.killed > 0) expect(totals.kills).toBeGreaterThan(runs);
    if (faults.lost > 0) expect(totals.lostAnswers).toBeGreaterThan(runs);
    expect(totals.duplicates).toBeGreaterThan(0);
  });
});

describe('the account is exact while a person cancels and releases files at any time', () => {
  it.each<[string, Faults]>([
    ['and nothing else happens', calm],
    ['and functions and commands are killed at any call', { ...calm, killed: 0.03 }],
    ['and answers are lost', { ...calm, lost: 0.05 }],
    ['and functions stall past their leases, and messages come twice', { ...calm, stalled: 0.1, twice: 0.5 }],
    ['and all of that', { killed: 0.02, lost: 0.02, stalled: 0.02, twice: 0.2, late: 0.05 }],
  ])('%s', async (_, faults) => {
    const totals = await simulateStops(faults, 240);
    expect(totals.releases).toBeGreaterThan(20);
    expect(totals.stoppedTwice).toBeGreaterThan(5);
    expect(totals.held).toBeGreaterThan(100);
    // Without them, an attempt ends with the batch.
    if (faults.stalled > 0) expect(totals.partlyHeld).toBeGreaterThan(0);
  });
});
