import { exitCodes } from './exit-codes.ts';

/** The user stopped the command. The message says what that means for the work in progress. */
export class InterruptedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'InterruptedError';
  }
}

/** npm forwards a Ctrl-C that the terminal has already sent to us: only a later one counts as a second one. Milliseconds. */
const secondAfterMs = 1_000;

/**
 * Runs interruptible work: the first Ctrl-C (or SIGTERM) fires the signal and leaves time to clean up, the second ends the
 * process at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const stop = (): void => {
    if (firstAt !== undefined && Date.now() - firstAt > secondAfterMs) process.exit(exitCodes.interrupted);
    firstAt ??= Date.now();
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
