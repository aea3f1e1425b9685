import type { PauseEvidence } from './pause-evidence.ts';

/**
 * Whose trouble is it: a record that the API never takes, or an API that takes nothing for a while? Both look the same to
 * a single request. The difference is what others are answered meanwhile, so that is counted here, once per process.
 */

/** Records that are remembered; the oldest are forgotten. */
const maxRecords = 1_000;

export class RecordTroubles {
  readonly #pauses = new Map<string, PauseEvidence>();
  /** When a record's token was last turned down. */
  readonly #unauthorised = new Map<string, number>();
  readonly #own = new Map<string, true>();
  /** When the last request was sent that passed with the present token. */
  #lastPassSentAtMs = -Infinity;
  #tokenSinceMs = -Infinity;

  /** The API took a decision on the record: its token was right, and no limit was in the way. */
  passed(record: string, sentAtMs: number): void {
    if (sentAtMs >= this.#tokenSinceMs) this.#lastPassSentAtMs = Math.max(this.#lastPassSentAtMs, sentAtMs);
    for (const map of [this.#pauses, this.#unauthorised, this.#own]) map.delete(record);
  }

  /** Of a letter, which carries nothing: what this process knows. */
  pausesOf(record: string): PauseEvidence | undefined {
    return this.#pauses.get(record);
  }

  askedToWait(record: string, evidence: PauseEvidence): void {
    remember(this.#pauses, record, evidence);
  }

  /**
   * @param answeredAtMs when the API turned the token down for this record
   * @returns whether another record has passed with the same token since it did so before
   */
  isOwnRefusal(record: string, answeredAtMs: number): boolean {
    const before = this.#unauthorised.get(record) ?? Infinity;
    if (this.#lastPassSentAtMs >= before) this.blame(record);
    remember(this.#unauthorised, record, answeredAtMs);
    return this.isBlamed(record);
  }

  /** Others were asked, and pass: what the record is answered next is its own trouble. */
  blame(record: string): void {
    remember(this.#own, record, true);
  }

  isBlamed(record: string): boolean {
    return this.#own.has(record);
  }

  /** Another token is used from now on: what was answered to the one before says nothing about it. */
  tokenChanged(nowMs: number): void {
    this.#tokenSinceMs = nowMs;
    this.#lastPassSentAtMs = -Infinity;
    this.#unauthorised.clear();
    this.#own.clear();
  }
}

function remember<T>(map: Map<string, T>, record: string, value: T): void {
  // Deleted first, so that the map's order is that of the last mention.
  map.delete(record);
  map.set(record, value);
  const [oldest] = map.keys();
  if (map.size > maxRecords && oldest !== undefined) map.delete(oldest);
}
