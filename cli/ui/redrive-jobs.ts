import type { Selection } from '../dlq/select-dead.ts';
import type { RedriveJob } from './room-state.ts';

/** Redrives to the end and returns the result in words. Calls `say` with its progress. */
export type RunRedrive = (selection: Selection, say: (text: string) => void, signal: AbortSignal) => Promise<string>;

const kept = 10;

/** Redrives that run in the background: one per feed at a time, since two would receive each other's letters. */
export class RedriveJobs {
  readonly #run: RunRedrive;
  readonly #explain: (error: unknown) => string;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #jobs: RedriveJob[] = [];
  #lastId = 0;

  constructor(run: RunRedrive, explain: (error: unknown) => string) {
    this.#run = run;
    this.#explain = explain;
  }

  list(): RedriveJob[] {
    return this.#jobs.map((job) => ({ ...job }));
  }

  start(selection: Selection): { kind: 'started'; job: RedriveJob } | { kind: 'busy' } {
    const { feed, reason } = selection;
    if (this.#jobs.some((job) => job.feed === feed && job.state === 'running')) return { kind: 'busy' };
    const job: RedriveJob = {
      id: ++this.#lastId,
      feed,
      reason: reason ?? null,
      state: 'running',
      text: 'reading the dead letters',
    };
    this.#jobs = [job, ...this.#jobs].slice(0, kept);
    const end = this.#follow(job, selection).finally(() => this.#running.delete(end));
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
