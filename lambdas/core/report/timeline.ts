import * as z from 'zod';

/** To continue elsewhere: of each bin its place, its accepted records and those of them that had been tried before. */
export const timelineBins = z.object({
  widthMs: z.number().positive(),
  bins: z.array(z.tuple([z.int(), z.int().nonnegative(), z.int().nonnegative()])),
});
export type TimelineBins = z.infer<typeof timelineBins>;

export interface TimelineBin {
  /** Records that were accepted in it, and how many of them had been tried before. */
  accepted: number;
  retried: number;
}

export interface TimelineChart {
  fromMs: number;
  widthMs: number;
  /** Consecutive, without gaps. */
  bins: TimelineBin[];
  /** Periods without accepted records that are longer than the pace explains. */
  pauses: { fromMs: number; toMs: number }[];
}

const firstWidthMs = 1_000;

/** A shorter gap is not a pause: the end of one batch and the beginning of the next take a second or two. */
const shortestPauseMs = 5_000;
/** Nor is a gap of up to this many slots of the limit. */
const pauseSlots = 20;

/**
 * When records were accepted, in bins whose width doubles when there are too many: receipts come batch by batch, not by
 * time, and the memory does not grow with their number.
 */
export class Timeline {
  readonly #maxBins: number;
  #widthMs = firstWidthMs;
  #bins = new Map<number, TimelineBin>();
  #first = Infinity;
  #last = -Infinity;

  /** @param from saved before; by default an empty one */
  constructor(maxBins = 240, from?: TimelineBins) {
    this.#maxBins = maxBins;
    if (!from) return;
    this.#widthMs = from.widthMs;
    for (const [at, accepted, retried] of from.bins) this.#put(at, { accepted, retried });
  }

  save(): TimelineBins {
    const bins = [...this.#bins].sort(([a], [b]) => a - b);
    return {
      widthMs: this.#widthMs,
      bins: bins.map(([at, { accepted, retried }]): [number, number, number] => [at, accepted, retried]),
    };
  }

  /** @param atMs milliseconds since 1970 */
  add(atMs: number, wasRetried: boolean): void {
    let at = Math.floor(atMs / this.#widthMs);
    while (Math.max(this.#last, at) - Math.min(this.#first, at) >= this.#maxBins) {
      this.#widen();
      at = Math.floor(atMs / this.#widthMs);
    }
    this.#put(at, { accepted: 1, retried: wasRetried ? 1 : 0 });
  }

  /** Undefined if nothing was accepted. @param slotMs between two slots of the limit; 0 if there is none */
  chart(slotMs: number): TimelineChart | undefined {
    if (this.#bins.size === 0) return undefined;
    const widthMs = this.#widthMs;
    const bins: TimelineBin[] = [];
    const pauses: TimelineChart['pauses'] = [];
    let idleFrom: number | undefined;
    for (let at = this.#first; at <= this.#last; at++) {
      const bin = this.#bins.get(at);
      bins.push(bin ?? { accepted: 0, retried: 0 });
      if (!bin) {
        idleFrom ??= at * widthMs;
        continue;
      }
      const isPause =
        idleFrom !== undefined && at * widthMs - idleFrom >= Math.max(shortestPauseMs, pauseSlots * slotMs);
      if (isPause) pauses.push({ fromMs: idleFrom ?? 0, toMs: at * widthMs });
      idleFrom = undefined;
    }
    return { fromMs: this.#first * widthMs, widthMs, bins, pauses };
  }

  #put(at: number, { accepted, retried }: TimelineBin): void {
    const bin = this.#bins.get(at);
    if (bin) {
      bin.accepted += accepted;
      bin.retried += retried;
    } else {
      this.#bins.set(at, { accepted, retried });
    }
    this.#first = Math.min(this.#first, at);
    this.#last = Math.max(this.#last, at);
  }

  #widen(): void {
    const before = this.#bins;
    this.#bins = new Map();
    [this.#first, this.#last] = [Infinity, -Infinity];
    this.#widthMs *= 2;
    for (const [at, bin] of before) this.#put(Math.floor(at / 2), bin);
  }
}
