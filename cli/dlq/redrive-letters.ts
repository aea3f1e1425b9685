import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { forEachAtOnce } from '../../lambdas/core/at-once.ts';
import { letter as letterSchema } from '../../lambdas/messages.ts';
import type { OpenDead } from '../../lambdas/core/dead-letters/reconciliation-csv.ts';
import type { RedrivePath } from '../stack/stack-outputs.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../terminal/format.ts';
import type { FollowRedrivePorts, Redriven } from './follow-redrive.ts';
import { followRedrive } from './follow-redrive.ts';
import type { MovePorts } from './move-messages.ts';
import { moveMessages } from './move-messages.ts';
import { totalOf } from '../../lambdas/adapters/queue-access.ts';
import type { RedriveCounts } from './redrive-watch.ts';
import { RedriveWatch } from './redrive-watch.ts';
import type { RemakePorts } from './remake-letters.ts';
import { remakeLetters } from './remake-letters.ts';
import type { Selection, SelectPorts } from './select-dead.ts';
import { filesAtOnce, isLeftOut, isNarrowed, isOfReason, recordKey, selectFilesWithDead } from './select-dead.ts';

export interface RedrivePorts extends Omit<MovePorts, 'onProgress'>, Omit<RemakePorts, 'ledger'> {
  ledger: RemakePorts['ledger'] & SelectPorts;
  terminal: Pick<Terminal, 'progress' | 'note'>;
  clock: MovePorts['clock'];
  paths: readonly RedrivePath[];
  /** SQS's own redrive of a whole DLQ; undefined if the endpoint does not support it. */
  runTask: (dlqUrl: string, onProgress: MovePorts['onProgress'], signal: AbortSignal) => Promise<number | undefined>;
}

export interface RedriveEnd {
  /** Messages moved back to their queue. */
  moved: number;
  movedBy: 'sqs' | 'sluice';
  /** Letters made again from ledger and archive, because their message was gone. */
  remade: number;
  /** Dead records of the selection for which nothing was tried: see the notes. */
  untried: number;
  counts: RedriveCounts;
  /** False if the signal fired before all had ended. */
  isOver: boolean;
  resolvedFileIds: string[];
}

/**
 * Sends dead letters back to be tried again: all of a feed's, or a selection. Letters whose message is gone (purged,
 * expired) are made again. Then waits until each is resolved or has failed again.
 */
export async function redriveLetters(
  selection: Selection,
  ports: RedrivePorts,
  signal: AbortSignal,
): Promise<RedriveEnd> {
  const watch = new RedriveWatch(ports.ledger);
  const others = new Set<string>();
  const files = await selectFilesWithDead(selection, ports.ledger);
  // Without a reason the file alone decides; a letter that the ledger does not know is judged by its own content.
  await forEachAtOnce(files, filesAtOnce, async ({ fileId }) => {
    for await (const dead of ports.ledger.listDead(fileId)) {
      const isMeant = isOfReason(dead, selection) && !isLeftOut(selection, dead.fileId, dead.record);
      if (dead.state === 'dead' && isMeant) watch.add(dead);
      // A whole DLQ is moved whatever its letters are.
      else if (isNarrowed(selection)) others.add(recordKey(dead.fileId, dead.record));
    }
  });
  const move = await moveAll(selection, { watch, others }, ports, signal);
  const follow: FollowRedrivePorts = { ...ports, queued: () => countQueued(ports) };
  let { counts, isOver } = await followRedrive(watch, move.redriven, follow, signal);
  const remade = isOver ? await remakeLost(files, selection, { watch, move }, ports, signal) : new Set<string>();
  if (remade.size > 0) ({ counts, isOver } = await followRedrive(watch, { keys: remade }, follow, signal));
  return {
    moved: move.moved,
    movedBy: move.movedBy,
    remade: remade.size,
    untried: [...watch.unmet()].filter((key) => !remade.has(key)).length,
    counts,
    isOver,
    resolvedFileIds: watch.resolvedFileIds(),
  };
}

interface Moved {
  moved: number;
  movedBy: RedriveEnd['movedBy'];
  redriven: Redriven;
  /** Messages that stay in the DLQs because they are not selected. */
  left: number;
}

async function moveAll(
  selection: Selection,
  known: { watch: RedriveWatch; others: ReadonlySet<string> },
  ports: RedrivePorts,
  signal: AbortSignal,
): Promise<Moved> {
  const onProgress = (moved: number, expected: number): void =>
    ports.terminal.progress('move', `moving letters out of the DLQ  ${formatCount(moved)} of ${formatCount(expected)}`);
  const end = { moved: 0, left: 0, byTask: 0 };
  const keys = new Set<string>();
  const onMoved = (body: string): void => {
    const key = keyOf(body);
    if (key !== undefined && known.watch.has(key)) keys.add(key);
  };
  for (const { dlqUrl, queueUrl } of ports.paths) {
    if (signal.aborted) break;
    // SQS refuses a task for an empty queue.
    const isEmpty = totalOf(await ports.queues.count(dlqUrl)) === 0;
    const byTask = isNarrowed(selection) || isEmpty ? undefined : await ports.runTask(dlqUrl, onProgress, signal);
    if (byTask !== undefined) {
      end.byTask += byTask;
      continue;
    }
    const move = { from: dlqUrl, to: queueUrl, isWanted: (body: string) => isWanted(body, selection, known), onMoved };
    const { moved, left } = await moveMessages(move, { ...ports, onProgress }, signal);
    end.moved += moved;
    end.left += left;
  }
  const moved = end.byTask + end.moved;
  if (end.byTask > 0) return { moved, movedBy: 'sqs', redriven: { count: moved }, left: end.left };
  return { moved, movedBy: 'sluice', redriven: { keys }, left: end.left };
}

function isWanted(
  body: string,
  selection: Selection,
  { watch, others }: { watch: RedriveWatch; others: ReadonlySet<string> },
): boolean {
  if (!isNarrowed(selection)) return true;
  const letter = letterIn(body);
  if (!letter) return false;
  const key = recordKey(letter.file_id, letter.record);
  if (watch.has(key)) return true;
  const isOfFile = selection.fileId === undefined || selection.fileId === letter.file_id;
  if (others.has(key) || isLeftOut(selection, letter.file_id, letter.record)) return false;
  return isOfFile && (selection.reason === undefined || selection.reason === letter.reason);
}

/** Records for which no message was found although every message was tried: their messages are gone. */
async function remakeLost(
  files: readonly FileAccount[],
  selection: Selection,
  { watch, move }: { watch: RedriveWatch; move: Moved },
  ports: RedrivePorts,
  signal: AbortSignal,
): Promise<Set<string>> {
  const lost = new Set(watch.unmet());
  const remade = new Set<string>();
  const isQuiet = await mayRemake(watch, move, ports);
  for (const file of files) {
    if (signal.aborted || !isQuiet) break;
    const isLost = ({ receipt, dead }: OpenDead): boolean => {
      if (dead) return lost.has(recordKey(file.fileId, receipt.record));
      // No consumer has received its letter, and none will: the queues are empty.
      if (isLeftOut(selection, file.fileId, receipt.record)) return false;
      return selection.reason === undefined || selection.reason === receipt.reason;
    };
    for (const key of await remakeLetters(file, isLost, ports, signal)) remade.add(key);
  }
  return remade;
}

/** Letters that are in flight are not lost. */
async function mayRemake(watch: RedriveWatch, move: Moved, ports: RedrivePorts): Promise<boolean> {
  const { failed } = await watch.look();
  const back = [...failed.values()].reduce((sum, count) => sum + count, 0);
  const counts = await Promise.all(ports.paths.map(({ dlqUrl }) => ports.queues.count(dlqUrl)));
  const inDlq = counts.reduce((sum, count) => sum + totalOf(count), 0);
  const inHands = counts.reduce((sum, count) => sum + count.inFlight, 0);
  const queued = await countQueued(ports);
  if (queued === 0 && inHands === 0 && inDlq <= move.left + back) return true;
  const lost = [...watch.unmet()].length;
  if (lost > 0) {
    ports.terminal.note(
      `${formatCount(lost)} dead letters were not received, and other letters are in flight or in the DLQ: whether their ` +
        'messages are gone is known when the letters queue is empty. Run the redrive again then.',
    );
  }
  return false;
}

async function countQueued({ queues, paths }: Pick<RedrivePorts, 'queues' | 'paths'>): Promise<number> {
  const counts = await Promise.all(paths.map(({ queueUrl }) => queues.count(queueUrl)));
  return counts.reduce((sum, count) => sum + totalOf(count), 0);
}

function keyOf(body: string): string | undefined {
  const letter = letterIn(body);
  return letter && recordKey(letter.file_id, letter.record);
}

export function letterIn(body: string) {
  try {
    return letterSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
