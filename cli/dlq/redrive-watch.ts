import type { DeadRecord } from '../../lambdas/core/account/file-account.ts';
import { forEachAtOnce } from '../../lambdas/core/at-once.ts';
import type { DeadLedger } from '../../lambdas/ports.ts';
import { filesAtOnce, lastTriedOf, recordKey } from './select-dead.ts';

/** A record's state before its letter is redriven, and what had become of it at the last poll. */
interface Watched {
  messageSentAt: number;
  failedAt: number;
  isMet: boolean;
  isResolved: boolean;
  isAtRest: boolean;
}

export interface RedriveCounts {
  /** Letters that a consumer has received since. */
  met: number;
  resolved: number;
  /** Failed again, with their reasons. */
  failed: Map<string, number>;
  /** Resolved, or failed again: back in the DLQ, or about to be. */
  atRest: number;
}

/**
 * Compares the items of redriven records with their state before: the difference is what the redrive did. Holds some 200 bytes
 * per record and reads the ledger's items again at each poll.
 */
export class RedriveWatch {
  readonly #ledger: Pick<DeadLedger, 'listDead'>;
  readonly #watched = new Map<string, Watched>();
  readonly #fileIds = new Set<string>();

  constructor(ledger: Pick<DeadLedger, 'listDead'>) {
    this.#ledger = ledger;
  }

  add(dead: DeadRecord): void {
    this.#fileIds.add(dead.fileId);
    this.#watched.set(recordKey(dead.fileId, dead.record), {
      ...{ messageSentAt: dead.messageSentAt ?? 0, failedAt: failedAt(dead) },
      ...{ isMet: false, isResolved: false, isAtRest: false },
    });
  }

  get size(): number {
    return this.#watched.size;
  }

  has(key: string): boolean {
    return this.#watched.has(key);
  }

  async look(): Promise<RedriveCounts> {
    const counts: RedriveCounts = { met: 0, resolved: 0, failed: new Map(), atRest: 0 };
    await forEachAtOnce(this.#fileIds, filesAtOnce, async (fileId) => {
      for await (const dead of this.#ledger.listDead(fileId)) {
        const watched = this.#watched.get(recordKey(fileId, dead.record));
        if (watched) note(dead, watched, counts);
      }
    });
    return counts;
  }

  /** Whether all of these have ended, as of the last poll. */
  areAtRest(keys: Iterable<string>): boolean {
    for (const key of keys) if (this.#watched.get(key)?.isAtRest !== true) return false;
    return true;
  }

  /** Records for which no message has been received, as of the last poll. */
  *unmet(): Generator<string> {
    for (const [key, { isMet }] of this.#watched) if (!isMet) yield key;
  }

  /** Files with a record that has been resolved, as of the last poll. */
  resolvedFileIds(): string[] {
    const ids = new Set<string>();
    for (const [key, { isResolved }] of this.#watched) if (isResolved) ids.add(key.slice(0, key.indexOf('/')));
    return [...ids];
  }
}

/** Compares a record's item with its state before, and counts what became of it. */
function note(dead: DeadRecord, watched: Watched, counts: RedriveCounts): void {
  const sentAt = dead.messageSentAt ?? 0;
  const hasFailed = dead.state === 'dead' && failedAt(dead) !== watched.failedAt;
  watched.isResolved = dead.state === 'resolved';
  watched.isMet = watched.isResolved || hasFailed || sentAt !== watched.messageSentAt;
  // Until this message itself has failed, its next receive tries the record again.
  watched.isAtRest = watched.isResolved || (hasFailed && dead.failedMessageSentAt >= sentAt);
  counts.met += Number(watched.isMet);
  counts.resolved += Number(watched.isResolved);
  counts.atRest += Number(watched.isAtRest);
  const { reason = 'unknown' } = lastTriedOf(dead) ?? {};
  if (hasFailed) counts.failed.set(reason, (counts.failed.get(reason) ?? 0) + 1);
}

/** By the time of the last entry: a long history is trimmed, so its length can't be compared. */
function failedAt(dead: DeadRecord): number {
  return lastTriedOf(dead)?.at ?? 0;
}
