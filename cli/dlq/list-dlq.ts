import { countMessages } from '../../lambdas/adapters/sqs-queue-access.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import { formatCount } from '../terminal/format.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DeadMessage } from './dead-message.ts';
import type { ListedRecord } from './list-dead.ts';
import { listDead } from './list-dead.ts';
import { markAltered } from './mark-altered.ts';
import { readDeadOf } from './read-dead-of.ts';
import { readDlqs } from './read-dlqs.ts';
import type { Selection } from './select-dead.ts';
import { isNarrowed } from './select-dead.ts';

/** Records between two reports of progress. */
const progressEvery = 500;

/** What is dead of a selection: the open dead records first, then what else is in the DLQs. Keeps no record in memory. */
export class DlqListing {
  readonly #stack: OpenStack;
  readonly #selection: Selection;
  readonly #terminal: Pick<Terminal, 'progress' | 'endProgress'>;
  readonly #signal: AbortSignal;
  /** Ids of the letters of the records listed. */
  readonly #known = new Set<string | null>();
  #count = 0;
  #queued: number | undefined;

  constructor(
    stack: OpenStack,
    selection: Selection,
    terminal: Pick<Terminal, 'progress' | 'endProgress'>,
    signal: AbortSignal,
  ) {
    this.#stack = stack;
    this.#selection = selection;
    this.#terminal = terminal;
    this.#signal = signal;
  }

  /** By file and position. */
  async *records(): AsyncGenerator<ListedRecord> {
    const { ledger } = this.#stack;
    for await (const record of listDead(this.#selection, { ledger, readDead: readDeadOf(this.#stack) })) {
      if (this.#signal.aborted) break;
      this.#known.add(record.letter_id);
      if (++this.#count % progressEvery === 0)
        this.#terminal.progress('list', `reading the dead letters  ${formatCount(this.#count)}`);
      yield record;
    }
    this.#terminal.endProgress();
  }

  /** To be called after the records were listed: messages that are not letters, and letters that the ledger does not know. */
  async messages(): Promise<DeadMessage[]> {
    const { feed, fileId, reason } = this.#selection;
    // The letters' DLQ may be long: it is read only if it holds more messages than the ledger has letters.
    const isLonger = !isNarrowed(this.#selection) && (await this.queued()) > this.#count;
    const isWanted = (message: DeadMessage): boolean =>
      (fileId === undefined || message.file_id === fileId) &&
      (reason === undefined || message.reason === reason) &&
      !(message.kind === 'letter' && this.#known.has(message.letter_id));
    const kinds = [...(isLonger ? (['letters'] as const) : []), 'records', 'intake', 'finalize'] as const;
    const found = await readDlqs(this.#stack, feed, this.#terminal, this.#signal, { kinds, isWanted });
    return markAltered(found, feed, this.#stack.ledger);
  }

  /** Letters by SQS's count, in the DLQs and on their way there. */
  async queued(): Promise<number> {
    if (this.#queued !== undefined) return this.#queued;
    const { outputs, sqs } = this.#stack;
    const urls = outputs
      .redrivePaths(this.#selection.feed, 'letters')
      .flatMap(({ dlqUrl, queueUrl }) => [dlqUrl, queueUrl]);
    const counts = await Promise.all(urls.map((url) => countMessages(sqs, url)));
    return (this.#queued = counts.reduce((sum, count) => sum + count, 0));
  }
}
