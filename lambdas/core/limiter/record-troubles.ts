/**
 * Whose trouble is it: a record that the API never takes, or an API that takes nothing for a while? Both look the same to
 * a single request. The difference is what others are answered meanwhile, so that is counted here, once per process.
 */

/** Others must pass so often between two 429s of a record before the second one says something about the record. */
export const passesBetweenThrottles = 20;

/**
 * Such 429s after which they are the record's own. While a share r of all requests is answered 429 because of a real
 * limit, a healthy record gets there by chance with r³ × (1 − r)^60 at most: less than 1 in 100,000 at the worst r.
 */
const ownThrottles = 3;

/**
 * A record with nothing else beside it is answered 429 so often in a row, while other consumers' records pass, before it is
 * its own: and so often where it was found to be so in an earlier attempt.
 */
export const loneThrottles = { first: 10, again: 3 };

/** Records that are remembered; the oldest are forgotten. */
const maxRecords = 1_000;

interface Throttles {
  /** What the counters below said at the last one. */
  passes: number;
  firstThrottles: number;
  /** 429s in a row between which only this record was answered so. */
  odd: number;
}

export class RecordTroubles {
  /** Requests that the API took a decision on. */
  #passes = 0;
  /** Records that were answered 429 for the first time: by a real limit, many are. */
  #firstThrottles = 0;
  readonly #throttled = new Map<string, Throttles>();
  /** When a record's token was last turned down. */
  readonly #unauthorised = new Map<string, number>();
  /** 429s of records that had nothing else beside them, while other consumers' records passed. */
  readonly #lone = new Map<string, number>();
  readonly #own = new Map<string, true>();
  /** When the last request was sent that passed with the present token. */
  #lastPassSentAtMs = -Infinity;
  #tokenSinceMs = -Infinity;

  /** The API took a decision on the record: its token was right, and no limit was in the way. */
  passed(record: string, sentAtMs: number): void {
    this.#passes++;
    if (sentAtMs >= this.#tokenSinceMs) this.#lastPassSentAtMs = Math.max(this.#lastPassSentAtMs, sentAtMs);
    for (const map of [this.#throttled, this.#unauthorised, this.#lone, this.#own]) map.delete(record);
  }

  /** @returns whether this 429 is about the record alone, and no reason to slow down for others */
  isOwnThrottle(record: string, isSuspect: boolean): boolean {
    if (this.#own.has(record)) return true;
    const before = this.#throttled.get(record);
    if (!before) this.#firstThrottles++;
    const odd = before ? this.#oddAfter(before) : isSuspect ? ownThrottles - 2 : 0;
    remember(this.#throttled, record, { passes: this.#passes, firstThrottles: this.#firstThrottles, odd });
    if (odd < ownThrottles) return false;
    this.blame(record);
    return true;
  }

  /** @param limit see `loneThrottles` */
  addLoneThrottles(record: string, times: number, limit: number): void {
    const sum = (this.#lone.get(record) ?? 0) + times;
    remember(this.#lone, record, sum);
    if (sum >= limit) this.blame(record);
  }

  #oddAfter({ passes, firstThrottles, odd }: Throttles): number {
    // Others were told to slow down as well: it is the API's limit.
    if (firstThrottles !== this.#firstThrottles) return 0;
    return this.#passes - passes >= passesBetweenThrottles ? odd + 1 : odd;
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
