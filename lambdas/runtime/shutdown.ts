/** The answer of the last invocation is on its way by then. Milliseconds. */
const answerMs = 500;

/**
 * The end of the process on request (SIGTERM): no new work is begun, what is under way is finished and handed over, and
 * then the process ends. Lambda asks so only between invocations, and only where an extension is registered; containers
 * and whoever stops a local cloud ask at any time.
 */
export class Shutdown {
  readonly #exit: () => void;
  #underWay = 0;
  #isRequested = false;

  /** @param exit ends the process */
  constructor(exit: () => void) {
    this.#exit = exit;
  }

  get isRequested(): boolean {
    return this.#isRequested;
  }

  request(): void {
    this.#isRequested = true;
    if (this.#underWay === 0) this.#exit();
  }

  /** An invocation: the process ends after it at the earliest. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#underWay--;
      if (this.#isRequested && this.#underWay === 0) setTimeout(this.#exit, answerMs);
    }
  }
}

/** Asked to end by a SIGTERM to this process. */
export function shutdownOnSigterm(): Shutdown {
  const shutdown = new Shutdown(() => process.exit(0));
  process.once('SIGTERM', () => shutdown.request());
  return shutdown;
}
