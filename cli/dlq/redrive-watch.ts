import type { DeadRecord } from '../../lambdas/core/account/file-account.ts';
import type { DeadLedger } from '../../lambdas/ports.ts';
import { lastTriedOf, recordKey } from './select-dead.ts';

/** A record's state before its letter is redriven. */
interface Before {
  messageSentAt: number;
  failedAt: number;
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
 * Compares the items of redriven records with their state before: the difference is what the redrive did. Holds a few bytes
 * per record and reads the ledger's items again at each poll.
 */
export class RedriveWatch {
  readonly #ledger: Pick<DeadLedger, 'listDead'>;
  readonly #before = new Map<string, Before>();
  readonly #fileIds = new Set<string>();
  /** As of the last poll. */
  #resolved = new Set<string>();
  #atRest = new Set<string>();
  #met = new Set<string>();

  constructor(ledger: Pick<DeadLedger, 'listDead'>) {
    this.#ledger = ledger;
  }

  add(dead: DeadRecord): void {
    this.#fileIds.add(dead.fileId);
    this.#before.set(recordKey(dead.fileId, dead.record), {
      messageSentAt: dead.messageSentAt ?? 0,
      failedAt: failedAt(dead),
    });
  }

  get size(): number {
    return this.#before.size;
  }

  has(key: string): boolean {
    return this.#before.has(key);
  }

  async look(): Promise<RedriveCounts> {
    [this.#resolved, this.#atRest, this.#met] = [new Set(), new Set(), new Set()];
    const failed = new Map<string, number>();
    for (const fileId of this.#fileIds) {
      for await (const dead of this.#ledger.listDead(fileId)) {
        const key = recordKey(fileId, dead.record);
        const before = this.#before.get(key);
        if (!before) continue;
        const hasFailed = dead.state === 'dead' && failedAt(dead) !== before.failedAt;
        const sentAt = dead.messageSentAt ?? 0;
        if (dead.state === 'resolved') this.#resolved.add(key);
        if (dead.state === 'resolved' || hasFailed || sentAt !== before.messageSentAt) this.#met.add(key);
        // Until this message itself has failed, its next receive tries the record again.
        if (dead.state === 'resolved' || (hasFailed && dead.failedMessageSentAt >= sentAt)) this.#atRest.add(key);
        const { reason = 'unknown' } = lastTriedOf(dead) ?? {};
        if (hasFailed) failed.set(reason, (failed.get(reason) ?? 0) + 1);
      }
    }
    return { met: this.#met.size, resolved: this.#resolved.size, failed, atRest: this.#atRest.size };
  }

  /** Whether all of these have ended, as of the last poll. */
  areAtRest(keys: Iterable<string>): boolean {
    for (const key of keys) if (!this.#atRest.has(key)) return false;
    return true;
  }

  /** Records for which no message has been received, as of the last poll. */
  *unmet(): Generator<string> {
    for (const key of this.#before.keys()) if (!this.#met.has(key)) yield key;
  }

  /** Files with a record that has been resolved, as of the last poll. */
  resolvedFileIds(): string[] {
    return [...new Set([...this.#resolved].map((key) => key.slice(0, key.indexOf('/'))))];
  }
}

/** By the time of the last entry: a long history is trimmed, so its length can't be compared. */
function failedAt(dead: DeadRecord): number {
  return lastTriedOf(dead)?.at ?? 0;
}
