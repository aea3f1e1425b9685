export interface TimelineBin {
  /** Records that were accepted in it, and how many of them had been tried before. */
  accepted: number;
  retried: number;
}

export interface TimelineChart {
  fromMs: number;
  widthMs: number;
  /** One behind the other, without a gap. */
  bins: TimelineBin[];
  /** Stretches in which nothing was accepted for longer than the pace explains. */
  pauses: { fromMs: number; toMs: number }[];
}

const firstWidthMs = 1_000;

/** Shorter than this, nothing is called a pause: a batch's end and the next one's beginning take a second or two. */
const shortestPauseMs = 5_000;
/** Nor is what so many slots of the limit take. */
const pauseSlots = 20;

/**
 * When records were accepted, in bins that double their width when they get too many: receipts come batch by batch and not
 * by time, and what is kept of a million of them is as little as of a thousand.
 */
export class Timeline {
  readonly #maxBins: number;
  #widthMs = firstWidthMs;
  #bins = new Map<number, TimelineBin>();
  #first = Infinity;
  #last = -Infinity;

  constructor(maxBins = 240) {
    this.#maxBins = maxBins;
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

  /** Undefined where nothing was accepted. @param slotMs between two slots of the limit; 0 where there is none */
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
