import type { PauseEvidence } from './pause-evidence.ts';

/**
 * Distinguishes a record that the API never accepts from an API that accepts nothing for a while. To a single request
 * both look the same. The difference is how other requests are answered meanwhile, so these are counted here, once per
 * process.
 */

/** Records that are remembered; the oldest are dropped. */
const maxRecords = 1_000;

export class RecordTroubles {
  readonly #pauses = new Map<string, PauseEvidence>();
  /** When a record's token was last refused. */
  readonly #unauthorised = new Map<string, number>();
  readonly #own = new Map<string, true>();
  /** When the last request was sent that passed with the current token. */
  #lastPassSentAtMs = -Infinity;
  #tokenSinceMs = -Infinity;

  /** The API decided on the record: its token was valid, and no limit applied. */
  passed(record: string, sentAtMs: number): void {
    if (sentAtMs >= this.#tokenSinceMs) this.#lastPassSentAtMs = Math.max(this.#lastPassSentAtMs, sentAtMs);
    this.#pauses.delete(record);
    this.#unauthorised.delete(record);
    this.#own.delete(record);
  }

  /** For a letter, which carries no evidence: what this process knows. */
  pausesOf(record: string): PauseEvidence | undefined {
    return this.#pauses.get(record);
  }

  askedToWait(record: string, evidence: PauseEvidence): void {
    remember(this.#pauses, record, evidence);
  }

  /**
   * @param answeredAtMs when the API refused the token for this record
   * @returns whether another record has passed with the same token since its previous refusal
   */
  isOwnRefusal(record: string, answeredAtMs: number): boolean {
    const before = this.#unauthorised.get(record) ?? Infinity;
    if (this.#lastPassSentAtMs >= before) this.blame(record);
    remember(this.#unauthorised, record, answeredAtMs);
    return this.isBlamed(record);
  }

  /** Other records were tried and pass: the record's next failures are its own. */
  blame(record: string): void {
    remember(this.#own, record, true);
  }

  isBlamed(record: string): boolean {
    return this.#own.has(record);
  }

  /** Another token is used from now on: answers to the previous one are not relevant any more. */
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
