import { expect } from 'vitest';
import { requestIdOf, sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { outcomes } from '../../lambdas/core/account/outcome.ts';
import type { DeadLetter, DeployedStack, Dropped } from '../support/deployed-stack.ts';
import { waitFor } from '../support/deployed-stack.ts';
import type { KnownExport } from './known-export.ts';

export interface CheckOptions {
  /**
   * A letter whose sending was answered by a lost connection, or that was sent twice, is in the DLQ twice: SQS gives
   * the two different send times (docs/architecture/known-limits.md). `once` elsewhere.
   */
  letters: 'once' | 'repeated';
  timeoutMs: number;
}

/**
 * The account of a file against the truth: manifest, receipts, the API's own log and the DLQs, each for itself and
 * with each other. Waits until nothing is in any queue first, so that whatever a leftover does is seen.
 */
export async function checkAccount(
  stack: DeployedStack,
  { fileId }: Dropped,
  truth: KnownExport,
  { letters, timeoutMs }: CheckOptions,
): Promise<Manifest> {
  const manifest = await stack.manifestOf(fileId, 1, timeoutMs);
  await awaitQuiet(stack, timeoutMs);
  expectSum(manifest, truth);
  await expectReceipts(stack, manifest, truth);
  await expectLetters(stack, fileId, truth, letters);
  for (const queue of ['TrafficIntakeDlqUrl', 'TrafficRecordsDlqUrl', 'TrafficFinalizeDlqUrl']) {
    expect(await stack.depth(queue), queue).toBe(0);
  }
  // Nothing was amended: no record changed its end after the account was closed.
  expect((await stack.ledger.getFile(fileId))?.manifest?.number).toBe(1);
  return manifest;
}

/** Nothing left that could still do something. */
async function awaitQuiet(stack: DeployedStack, timeoutMs: number): Promise<void> {
  const queues = [
    'TrafficIntakeQueueUrl',
    'TrafficRecordsQueueUrl',
    'TrafficLettersQueueUrl',
    'TrafficFinalizeQueueUrl',
  ];
  await waitFor(
    'empty queues',
    async () => {
      const depths = await Promise.all(queues.map((queue) => stack.depth(queue)));
      return depths.every((depth) => depth === 0) || undefined;
    },
    timeoutMs,
  );
}

function expectSum(manifest: Manifest, truth: KnownExport): void {
  const sum = outcomes.reduce((total, outcome) => total + manifest[`${outcome}_records`], 0);
  expect(sum).toBe(truth.rows);
  const deadOf = (wanted: string) => [...truth.dead.values()].filter(({ outcome }) => outcome === wanted).length;
  const [refused, exhausted] = [deadOf('refused'), deadOf('exhausted')];
  expect(manifest).toMatchObject({
    state: 'completed',
    total_records: truth.rows,
    valid_records: truth.valid.length + refused + exhausted,
    uploaded_records: truth.valid.length,
    duplicate_records: 0,
    rejected_records: deadOf('rejected'),
    refused_records: refused,
    exhausted_records: exhausted,
    held_records: 0,
    dead_lettered_records: truth.dead.size,
    resolved_records: 0,
    reconciled: true,
    checksum: truth.checksum,
    bytes: truth.bytes.length,
  });
}

async function expectReceipts(stack: DeployedStack, manifest: Manifest, truth: KnownExport): Promise<void> {
  const receipts = await stack.receiptsOf(manifest);
  expect(receipts.map(({ record }) => record)).toEqual(Array.from({ length: truth.rows }, (_, index) => index + 1));
  for (const { offset, length, sha256, record, outcome } of receipts) {
    if (sha256Of(truth.bytes.subarray(offset, offset + length)) !== sha256) expect.fail(`receipt ${record}: its hash`);
    expect(outcome, `record ${record}`).toBe(truth.dead.get(record)?.outcome ?? 'uploaded');
  }
  // Each valid spot exactly once and as it should be; and what the receipts say is what the API says.
  const stored = await stack.stored(truth.prefix);
  const wanted = truth.valid.map((spot) => JSON.stringify([idOf(spot, truth), spot]));
  expect(stored.map(({ requestId, spot }) => JSON.stringify([requestId, spot])).sort()).toEqual(wanted.sort());
  const uploaded = receipts.filter(({ outcome }) => outcome === 'uploaded').map((receipt) => receipt.request_id);
  expect(uploaded.sort()).toEqual(stored.map(({ requestId }) => requestId).sort());
}

const idOf = (spot: Record<string, unknown>, { checksum }: KnownExport) =>
  requestIdOf([String(spot['spot_id']), String(spot['airtime'])], checksum);

async function expectLetters(
  stack: DeployedStack,
  fileId: string,
  truth: KnownExport,
  letters: CheckOptions['letters'],
): Promise<void> {
  const dead = await stack.takeDeadLetters(fileId, truth.dead.size);
  const told = new Map(dead.map(({ letter: { record, outcome, reason } }) => [record, { outcome, reason }]));
  const sorted = (map: Map<number, unknown>) => [...map].sort(([a], [b]) => a - b);
  expect(sorted(told)).toEqual(sorted(truth.dead));
  if (letters === 'once') expect(dead.map(recordOf).sort(byNumber)).toEqual([...truth.dead.keys()].sort(byNumber));
  // A record may have two messages, but never two letters: the ledger adopts one.
  const ids = new Map<number, Set<string>>();
  for (const { letter } of dead) ids.set(letter.record, (ids.get(letter.record) ?? new Set()).add(letter.letter_id));
  expect([...ids].filter(([, each]) => each.size > 1)).toEqual([]);
}

const recordOf = ({ letter }: DeadLetter) => letter.record;
const byNumber = (a: number, b: number) => a - b;
