import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface HttpPost {
  method: 'POST';
  origin: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** False: the body was cut off, broke off or took too long; `body` is the part that arrived. */
  isWhole: boolean;
}

export interface AnswerLimits {
  /** From the end of the headers to the end of the body, however slowly it arrives. Milliseconds. */
  bodyMs: number;
  maxBodyBytes: number;
}

/**
 * Posts once. undici's `request` would make a stream of each answer's body, which takes longer than the rest of a small
 * answer.
 * @throws undici's error, or the signal's reason, if no headers arrive
 */
export function postOverHttp(
  dispatcher: Dispatcher,
  post: HttpPost,
  limits: AnswerLimits,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    dispatcher.dispatch(post, new AnswerReader(limits, signal, { resolve, reject }));
  });
}

/**
 * The requests that a signal ends. One listener per signal, for all its requests: a listener that comes and goes with each
 * request keeps the request's answer, and thereby those before it, alive until V8 collects its old objects. That made
 * collecting garbage a quarter of the CPU time of sending.
 */
const openRequests = new WeakMap<AbortSignal, AnswerReader[]>();

function openRequestsOf(signal: AbortSignal): AnswerReader[] {
  const known = openRequests.get(signal);
  if (known) return known;
  const open: AnswerReader[] = [];
  openRequests.set(signal, open);
  signal.addEventListener('abort', () => {
    for (const reader of [...open]) reader.abort();
  });
  return open;
}

interface Settle {
  resolve: (answer: HttpAnswer) => void;
  reject: (error: Error) => void;
}

/** Settles once: with the answer from its headers on, before that with the error. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #limits: AnswerLimits;
  readonly #signal: AbortSignal;
  readonly #openRequests: AnswerReader[];
  readonly #settle: Settle;
  #controller: Dispatcher.DispatchController | undefined;
  #status: number | undefined;
  #headers: IncomingHttpHeaders = {};
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: AnswerLimits, signal: AbortSignal, settle: Settle) {
    this.#limits = limits;
    this.#signal = signal;
    this.#settle = settle;
    this.#openRequests = openRequestsOf(signal);
    this.#openRequests.push(this);
  }

  /** The signal fires. Before a connection is there, it takes effect with it: connecting has a limit of its own. */
  abort(): void {
    this.#controller?.abort(this.#signal.reason as Error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(this.#signal.reason as Error);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Early hints and the like precede the answer.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    // Most bodies arrive with their headers, and need no timer.
    queueMicrotask(() => {
      if (!this.#isOver) this.#timer = setTimeout(() => this.#cut(), this.#limits.bodyMs);
    });
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.maxBodyBytes) this.#cut();
  }

  onResponseEnd(): void {
    this.#end(true);
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#end(false, error);
  }

  #cut(): void {
    this.#end(false);
    this.#controller?.abort(new Error('The rest of the answer is not read.'));
  }

  #end(isWhole: boolean, error?: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#openRequests.splice(this.#openRequests.indexOf(this), 1);
    const [only] = this.#chunks;
    const all = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    const { maxBodyBytes } = this.#limits;
    const body = all.length > maxBodyBytes ? all.subarray(0, maxBodyBytes) : all;
    if (this.#status !== undefined)
      this.#settle.resolve({ status: this.#status, headers: this.#headers, body, isWhole });
    else this.#settle.reject(error ?? new Error('The answer had no headers.'));
  }
}
