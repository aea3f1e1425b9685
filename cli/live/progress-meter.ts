import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { OutcomeCounts } from '../../lambdas/core/account/outcome.ts';
import { sumCounts } from '../../lambdas/core/account/outcome.ts';
import type { BatchLedger } from '../../lambdas/ports.ts';
import { answeredOf } from '../drop/describe-progress.ts';
import { liveCounts } from '../drop/live-counts.ts';
import { RateMeter } from '../terminal/rate-meter.ts';

/** Files whose batches are read per snapshot, in turn: a query each, of up to 200 items. */
const filesALook = 4;

/** What an API has answered since the first snapshot, in total and for the open files. */
interface Answers {
  meter: RateMeter;
  total: number;
  ofFiles: Map<string, number>;
}

/**
 * Kept between snapshots: each file's progress when its batches were last read, and how fast each API answers. A file's
 * counts never decrease, so that a rate can be derived from them.
 */
export class ProgressMeter {
  readonly #ledger: Pick<BatchLedger, 'listBatches'>;
  readonly #live = new Map<string, OutcomeCounts>();
  #turn = 0;
  readonly #apis = new Map<string, Answers>();

  constructor(ledger: Pick<BatchLedger, 'listBatches'>) {
    this.#ledger = ledger;
  }

  /** The files with the outcomes of their records so far, including unfinished batches. */
  async count(open: readonly FileAccount[]): Promise<FileAccount[]> {
    const ids = new Set(open.map(({ fileId }) => fileId));
    for (const fileId of this.#live.keys()) if (!ids.has(fileId)) this.#live.delete(fileId);
    const inTurn = open.length <= filesALook ? open : this.#takeTurn(open);
    await Promise.all(inTurn.map(async (file) => this.#live.set(file.fileId, await liveCounts(file, this.#ledger))));
    return open.map((file) => {
      const live = this.#live.get(file.fileId);
      return live && sumCounts(live) > sumCounts(file.settled) ? { ...file, settled: live } : file;
    });
  }

  /** The first files are being sent; the others are read in turn, since several may be. */
  #takeTurn(open: readonly FileAccount[]): FileAccount[] {
    const from = this.#turn;
    this.#turn = (from + filesALook) % open.length;
    return Array.from({ length: filesALook }, (_, step) => open[(from + step) % open.length] as FileAccount);
  }

  /**
   * Notes what an API has answered of these files.
   * @param closed those of them that were open at the last snapshot
   */
  note(api: string, open: readonly FileAccount[], closed: readonly FileAccount[], now: number): void {
    // Idle time would make the next file look slow.
    if (open.length === 0) return void this.#apis.delete(api);
    const before = this.#apis.get(api);
    const answers: Answers = { meter: before?.meter ?? new RateMeter(), total: before?.total ?? 0, ofFiles: new Map() };
    for (const file of open) {
      // Answers from before the first snapshot say nothing about the current rate.
      const seen = before ? (before.ofFiles.get(file.fileId) ?? 0) : answeredOf(file);
      const answered = Math.max(seen, answeredOf(file));
      answers.total += answered - seen;
      answers.ofFiles.set(file.fileId, answered);
    }
    for (const file of closed) {
      const seen = answers.ofFiles.has(file.fileId) ? undefined : before?.ofFiles.get(file.fileId);
      if (seen !== undefined) answers.total += Math.max(0, answeredOf(file) - seen);
    }
    answers.meter.add(now, answers.total);
    this.#apis.set(api, answers);
  }

  /** Answers per second; undefined until enough has been seen, and while no file is open. */
  perSecond(api: string): number | undefined {
    return this.#apis.get(api)?.meter.perSecond();
  }
}
