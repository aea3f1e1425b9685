import { isoTime } from '../../lambdas/core/iso-time.ts';
import { historyBefore } from '../../lambdas/core/nights/expected-note.ts';
import { expectedText, historyText } from '../../lambdas/core/nights/expected-text.ts';
import type { FoundFile } from '../../lambdas/core/nights/judge-expected.ts';
import type { JudgedFile } from './read-expected.ts';
import type { LiveExpected, LiveFile } from './snapshot.ts';

/** What needs attention comes first, then what is expected next. */
const order: Record<LiveExpected['state'], number> = { missing: 0, too_few: 0, not_due: 1, late: 2, met: 3 };

/** @param open the files in progress, as they are shown */
export function describeExpected(
  judged: readonly JudgedFile[],
  open: readonly LiveFile[],
  when: { zone: string; now: number },
): LiveExpected[] {
  const progress = new Map(open.map((file) => [file.file_id, progressOf(file)]));
  return judged
    .map((each) => describe(each, progress, when))
    .sort((a, b) => order[a.state] - order[b.state] || (a.due < b.due ? -1 : Number(a.due > b.due)));
}

function describe(
  { feed, entry, verdict }: JudgedFile,
  progress: ReadonlyMap<string, string>,
  when: { zone: string; now: number },
): LiveExpected {
  const { due, state, file, lateBySeconds } = verdict;
  const history = historyBefore(entry, due.day);
  return {
    ...{ feed, name: due.name, day: due.day, due: isoTime(due.dueAt), key: due.key, records: due.records, state },
    file_id: file?.fileId ?? null,
    file_state: file?.state ?? null,
    arrived: file ? isoTime(file.at) : null,
    found_records: file?.records ?? null,
    obstacle: file?.obstacle ?? null,
    late_by_seconds: lateBySeconds ?? null,
    ...{ earlier_nights: history.nights, earlier_late: history.late, earlier_missed: history.missed },
    text: expectedText(verdict, { ...when, progress: file && stepOf(file, progress) }),
    history: historyText(history) ?? null,
  };
}

/** Of a file that counts: whether it is done, and if not, what is happening and when it will be. */
function stepOf({ fileId, state }: FoundFile, progress: ReadonlyMap<string, string>): string {
  return progress.get(fileId) ?? (state === 'completed' ? 'completed' : 'in progress');
}

function progressOf({ activity, projected }: LiveFile): string {
  return projected === null ? `in progress: ${activity}` : `in progress: ${activity}, ${projected}`;
}
