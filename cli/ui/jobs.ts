import type { Clock } from '../../lambdas/ports.ts';
import type { Job } from './room-state.ts';

/** Works to the end and returns the result in words. Calls `say` with its progress. */
export type RunJob = (say: (text: string) => void, signal: AbortSignal) => Promise<string>;

/** What a job is about, for the page. */
export type JobSubject = Pick<Job, 'kind' | 'feed' | 'what'>;

const kept = 20;
/** How long the end of a job is shown: long enough to read it, also after a look elsewhere. Milliseconds. */
const shownAfterEndMs = { running: Infinity, done: 2 * 60_000, failed: 15 * 60_000 };

interface Running extends Job {
  endedAt?: number;
}

/** Work that the page has started and that runs in the background: redrives, corrections, resolutions. */
export class Jobs {
  readonly #explain: (error: unknown) => string;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #jobs: Running[] = [];
  #lastId = 0;

  constructor(explain: (error: unknown) => string, clock: Pick<Clock, 'now'>) {
    this.#explain = explain;
    this.#clock = clock;
  }

  /** Those that run and those that ended a short while ago, the newest first. */
  list(): Job[] {
    const now = this.#clock.now();
    this.#jobs = this.#jobs.filter(({ state, endedAt = now }) => now - endedAt < shownAfterEndMs[state]);
    return this.#jobs.map(({ endedAt: _, ...job }) => job);
  }

  /** One redrive per feed at a time, since two would receive each other's letters. */
  start(subject: JobSubject, run: RunJob): { kind: 'started'; job: Job } | { kind: 'busy' } {
    const { kind, feed } = subject;
    const isSame = (job: Job): boolean => job.kind === kind && job.feed === feed && job.state === 'running';
    if (kind === 'redrive' && this.#jobs.some(isSame)) return { kind: 'busy' };
    const job: Running = { ...subject, id: ++this.#lastId, state: 'running', text: 'begins' };
    this.#jobs = [job, ...this.#jobs].filter(({ state }, index) => state === 'running' || index < kept);
    const end = this.#follow(job, run).finally(() => this.#running.delete(end));
    this.#running.add(end);
    return { kind: 'started', job: { ...job } };
  }

  async #follow(job: Running, run: RunJob): Promise<void> {
    try {
      job.text = await run((text) => (job.text = text), this.#stop.signal);
      job.state = 'done';
    } catch (error) {
      job.text = this.#explain(error);
      job.state = 'failed';
    }
    job.endedAt = this.#clock.now();
  }

  /** Stops all. Nothing is lost: what was sent is tried, the rest stays where it is. @returns how many were running */
  async stop(): Promise<number> {
    const count = this.#running.size;
    this.#stop.abort();
    await Promise.all(this.#running);
    return count;
  }
}
