import type { BatchAccount, FileAccount } from '../account/file-account.ts';
import type { OutcomeCounts } from '../account/outcome.ts';
import { outcomes } from '../account/outcome.ts';
import { schemaVersion } from '../account/schema-version.ts';
import type { Check, ItemChange, ItemWrite } from './item-change.ts';
import { exists, isNew } from './item-change.ts';
import { batchKey, fileKey } from './ledger-keys.ts';
import { expiryOf } from './stored-item.ts';

const isOpen: Check = { name: 'state', is: '=', value: 'open' };
const isOwned = (owner: string): Check[] => [isOpen, { name: 'leaseOwner', is: '=', value: owner }];

/** A batch without an owner: new, left by an attempt that is not later than this one, or settled with records held. */
export function claimBatch(
  {
    fileId,
    batch,
    attempt,
    records,
    firstRecord,
  }: Pick<BatchAccount, 'fileId' | 'batch' | 'attempt' | 'records' | 'firstRecord'>,
  leaseOwner: string,
  now: number,
  leaseMs: number,
): ItemChange {
  const isFree: Check[] = [
    isOpen,
    { name: 'attempt', is: '<=', value: attempt },
    { name: 'leaseUntil', is: '<', value: now, orAbsent: true },
  ];
  // Held records are sent by a later attempt than the one that held them.
  const hasHeld: Check[] = [
    { name: 'state', is: '=', value: 'settled' },
    { name: 'counts.held', is: '>', value: 0 },
    { name: 'attempt', is: '<', value: attempt },
  ];
  const account: BatchAccount = {
    ...{ fileId, batch, attempt, records, firstRecord, state: 'open' },
    ...{ leaseOwner, leaseUntil: now + leaseMs },
  };
  return {
    when: [{ anyOf: [[isNew], isFree, hasHeld] }],
    set: { v: schemaVersion, ...account, expiresAt: expiryOf(now) },
    add: { unreleased: 1 },
  };
}

/** Renews the lease, or releases it with `leaseMs` 0. */
export function saveProgress(owner: string, progress: Uint8Array, now: number, leaseMs: number): ItemChange {
  const saved = { progress, expiresAt: expiryOf(now) };
  // Of a batch that was settled with records held: records are sent from now on.
  const receipts = ['receiptsKey', 'receiptsSha256'];
  // The owner's name stays: the write is repeated if its answer is lost, and its condition must still hold.
  if (leaseMs === 0) return { when: isOwned(owner), set: saved, remove: ['leaseUntil', 'unreleased', ...receipts] };
  return { when: isOwned(owner), set: { ...saved, leaseUntil: now + leaseMs }, remove: receipts };
}

/** @param end `failed`: by a defect, which counts like a killed consumer */
export function releaseBatch(owner: string, end: 'released' | 'failed'): ItemChange {
  return { when: isOwned(owner), remove: end === 'failed' ? ['leaseUntil'] : ['leaseUntil', 'unreleased'] };
}

type Settlement = Required<Pick<BatchAccount, 'counts' | 'receiptsKey' | 'receiptsSha256'>> &
  Pick<BatchAccount, 'buried' | 'progress'> &
  Pick<FileAccount, 'sendingSince'> & { replaces?: OutcomeCounts };

/** The batch and its file's hints, in one transaction: no batch counts twice. */
export function settleBatch(
  { fileId, batch }: Pick<BatchAccount, 'fileId' | 'batch'>,
  owner: string,
  settlement: Settlement,
  now: number,
): ItemWrite[] {
  const { counts, receiptsKey, receiptsSha256, buried = false, progress } = settlement;
  return [
    {
      key: batchKey(fileId, batch),
      change: {
        when: isOwned(owner),
        set: {
          ...{ counts, receiptsKey, receiptsSha256, buried, state: 'settled' satisfies BatchAccount['state'] },
          ...{ settledAt: now, expiresAt: expiryOf(now) },
          ...(progress ? { progress } : {}),
        },
        remove: ['leaseOwner', 'leaseUntil', 'unreleased', ...(progress ? [] : ['progress'])],
      },
    },
    { key: fileKey(fileId), change: countSettled(settlement, now) },
  ];
}

/** Adds a batch to a file's hints; for a batch that was settled before, adds the difference. */
function countSettled({ counts, replaces, sendingSince }: Settlement, now: number): ItemChange {
  const changes = outcomes
    .map((outcome): [string, number] => [`settled.${outcome}`, (counts[outcome] ?? 0) - (replaces?.[outcome] ?? 0)])
    .filter(([, change]) => change !== 0);
  return {
    when: [exists],
    set: { updatedAt: now, lastSettledAt: now },
    ...(sendingSince === undefined ? {} : { setOnce: { sendingSince } }),
    add: { settledBatches: replaces ? 0 : 1, ...Object.fromEntries(changes) },
  };
}
