import type { DeadRecord } from '../../lambdas/core/account/file-account.ts';
import type { DeadLedger } from '../../lambdas/ports.ts';
import { lastTriedOf, recordKey } from './select-dead.ts';

/** What is known of a record before its letter is redriven. */
interface Before {
  messageSentAt: number;
  failedAt: number;
}

export interface RedriveCounts {
  /** Letters that a consumer has met since. */
  met: number;
  resolved: number;
  /** Failed again, with their reasons. */
  failed: Map<string, number>;
  /** Resolved or failed for good: back in the DLQ, or on the last second of the way. */
  atRest: number;
}

/**
 * Records whose letters are redriven, as the ledger knew them before: what differs from that is what the redrive has
 * done. Holds a few bytes a record, and reads the ledger's items again at each look.
 */
export class RedriveWatch {
  readonly #ledger: Pick<DeadLedger, 'listDead'>;
  readonly #before = new Map<string, Before>();
  readonly #fileIds = new Set<string>();
  /** As of the last look. */
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
        // Until its message is the one that failed, its next receive tries the record again.
        if (dead.state === 'resolved' || (hasFailed && dead.failedMessageSentAt >= sentAt)) this.#atRest.add(key);
        const { reason = 'unknown' } = lastTriedOf(dead) ?? {};
        if (hasFailed) failed.set(reason, (failed.get(reason) ?? 0) + 1);
      }
    }
    return { met: this.#met.size, resolved: this.#resolved.size, failed, atRest: this.#atRest.size };
  }

  /** Whether all of these have come to rest, as of the last look. */
  areAtRest(keys: Iterable<string>): boolean {
    for (const key of keys) if (!this.#atRest.has(key)) return false;
    return true;
  }

  /** Records that no message has been met of, as of the last look. */
  *unmet(): Generator<string> {
    for (const key of this.#before.keys()) if (!this.#met.has(key)) yield key;
  }

  /** Files that a record of has been resolved, as of the last look. */
  resolvedFileIds(): string[] {
    return [...new Set([...this.#resolved].map((key) => key.slice(0, key.indexOf('/'))))];
  }
}

/** Told by the time of the last: a long history is cut, so its length tells nothing. */
function failedAt(dead: DeadRecord): number {
  return lastTriedOf(dead)?.at ?? 0;
}
