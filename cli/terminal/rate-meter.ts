interface Sample {
  atMs: number;
  value: number;
}

/** A shorter period, or fewer steps, give no reliable rate. Milliseconds. */
const minSpanMs = 8_000;
const minSteps = 4;
/** The period that is measured, unless that many steps take longer; at most the second value. */
const usualSpanMs = 30_000;
const usualSteps = 8;
const maxSpanMs = 5 * 60_000;

/**
 * The rate of a count that grows in steps: the slope of the least-squares line through its last half minute, or longer if
 * steps are rare. A rate from two points alone would swing with every batch.
 */
export class RateMeter {
  readonly #samples: Sample[] = [];
  /** Time between successive samples that differ. */
  #steps = 0;

  add(atMs: number, value: number): void {
    // Time before the first record does not count.
    if (value === 0) return;
    const samples = this.#samples;
    if (samples.length > 0 && samples.at(-1)?.value !== value) this.#steps++;
    samples.push({ atMs, value });
    while (this.#isSpare(atMs)) {
      const gone = samples.shift();
      if (gone?.value !== samples[0]?.value) this.#steps--;
    }
  }

  #isSpare(nowMs: number): boolean {
    const spanMs = nowMs - (this.#samples[0] as Sample).atMs;
    return spanMs > maxSpanMs || (spanMs > usualSpanMs && this.#steps > usualSteps);
  }

  /** Undefined until enough has been seen. */
  perSecond(): number | undefined {
    const samples = this.#samples;
    const first = samples[0];
    const last = samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < minSpanMs || this.#steps < minSteps) return undefined;
    const meanAt = mean(samples.map((sample) => sample.atMs));
    const meanValue = mean(samples.map((sample) => sample.value));
    let products = 0;
    let squares = 0;
    for (const { atMs, value } of samples) {
      products += (atMs - meanAt) * (value - meanValue);
      squares += (atMs - meanAt) ** 2;
    }
    return Math.max(0, (products / squares) * 1000);
  }
}

/**
 * A measured rate, as it is shown beside the limit. Requests never exceed the limit; but progress is saved in steps, so a
 * slope through it can be a little higher.
 * @param limitPerSecond undefined: there is none
 */
export function withinLimit(perSecond: number, limitPerSecond: number | undefined): number {
  return Math.min(perSecond, limitPerSecond ?? Infinity);
}

/** Seconds until the end; undefined if there is no progress. */
export function secondsLeft(remaining: number, perSecond: number | undefined): number | undefined {
  if (remaining <= 0) return 0;
  return perSecond === undefined || perSecond <= 0 ? undefined : remaining / perSecond;
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
