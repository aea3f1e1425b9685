import type { Clock } from '../../lambdas/ports.ts';
import type { Selection } from '../dlq/select-dead.ts';
import type { RedriveJob } from './room-state.ts';

/** Redrives to the end and returns the result in words. Calls `say` with its progress. */
export type RunRedrive = (selection: Selection, say: (text: string) => void, signal: AbortSignal) => Promise<string>;

const kept = 10;

/** How long the end of a job is shown: long enough to read it, also after a look elsewhere. Milliseconds. */
const shownAfterEndMs = { done: 2 * 60_000, failed: 15 * 60_000 };

interface StartedJob {
  job: RedriveJob;
  endedAt: number | undefined;
}

/** Redrives that run in the background: one per feed at a time, since two would receive each other's letters. */
export class RedriveJobs {
  readonly #run: RunRedrive;
  readonly #explain: (error: unknown) => string;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #clock: Pick<Clock, 'now'>;
  #jobs: StartedJob[] = [];
  #lastId = 0;

  constructor(run: RunRedrive, explain: (error: unknown) => string, clock: Pick<Clock, 'now'>) {
    this.#run = run;
    this.#explain = explain;
    this.#clock = clock;
  }

  /** Those that run, and those that ended lately. */
  list(): RedriveJob[] {
    const now = this.#clock.now();
    const isShown = ({ job: { state }, endedAt }: StartedJob): boolean =>
      state === 'running' || now - (endedAt ?? now) < shownAfterEndMs[state];
    return this.#jobs.filter(isShown).map(({ job }) => ({ ...job }));
  }

  start(selection: Selection): { kind: 'started'; job: RedriveJob } | { kind: 'busy' } {
    const { feed, reason } = selection;
    if (this.#jobs.some(({ job }) => job.feed === feed && job.state === 'running')) return { kind: 'busy' };
    const job: RedriveJob = {
      id: ++this.#lastId,
      feed,
      reason: reason ?? null,
      state: 'running',
      text: 'reading the dead letters',
    };
    const entry: StartedJob = { job, endedAt: undefined };
    this.#jobs = [entry, ...this.#jobs].slice(0, kept);
    const end = this.#follow(job, selection).finally(() => {
      entry.endedAt = this.#clock.now();
      this.#running.delete(end);
    });
    this.#running.add(end);
    return { kind: 'started', job: { ...job } };
  }

  async #follow(job: RedriveJob, selection: Selection): Promise<void> {
    try {
      job.text = await this.#run(selection, (text) => (job.text = text), this.#stop.signal);
      job.state = 'done';
    } catch (error) {
      job.text = this.#explain(error);
      job.state = 'failed';
    }
  }

  /** Stops all. Nothing is lost: moved letters are tried, the rest stays in the DLQ. @returns how many were running */
  async stop(): Promise<number> {
    const count = this.#running.size;
    this.#stop.abort();
    await Promise.all(this.#running);
    return count;
  }
}
