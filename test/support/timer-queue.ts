export interface Timer {
  at: number;
  order: number;
  ring: () => void;
  /** Set if it is cancelled: it is dropped when its time comes. */
  isOff: boolean;
}

/** Timers in the order of their times, those of one time in the order they were added in: a binary heap. */
export class TimerQueue {
  #order = 0;
  readonly #heap: Timer[] = [];

  add(at: number, ring: () => void): Timer {
    const timer: Timer = { at, ring, order: this.#order++, isOff: false };
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    return timer;
  }

  /** Takes the next one out, if it is due by then. */
  takeDue(until: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (!first || (first.at > until && !first.isOff)) return undefined;
      const last = this.#heap.pop() as Timer;
      if (first !== last) {
        this.#heap[0] = last;
        this.#sink(0);
      }
      if (!first.isOff) return first;
    }
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#swapUnlessBefore(parent, place)) return;
      place = parent;
    }
  }

  #sink(from: number): void {
    let place = from;
    for (;;) {
      const [left, right] = [2 * place + 1, 2 * place + 2];
      if (left >= this.#heap.length) return;
      const child = right < this.#heap.length && isBefore(this.#at(right), this.#at(left)) ? right : left;
      if (!this.#swapUnlessBefore(place, child)) return;
      place = child;
    }
  }

  #swapUnlessBefore(upper: number, lower: number): boolean {
    const [above, below] = [this.#at(upper), this.#at(lower)];
    if (!isBefore(below, above)) return false;
    this.#heap[upper] = below;
    this.#heap[lower] = above;
    return true;
  }

  #at(place: number): Timer {
    return this.#heap[place] as Timer;
  }
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
