/** The last invocation's answer has been sent by then. Milliseconds. */
const answerMs = 500;

/**
 * Ends the process on request (SIGTERM): no new work begins, work in progress is finished and handed over, and then the
 * process ends. Lambda sends SIGTERM only between invocations, and only if an extension is registered; containers and local
 * clouds send it at any time.
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

  /** Runs an invocation: the process does not end before it has finished. */
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

/** A shutdown that a SIGTERM to this process requests. */
export function shutdownOnSigterm(): Shutdown {
  const shutdown = new Shutdown(() => process.exit(0));
  process.once('SIGTERM', () => shutdown.request());
  return shutdown;
}
