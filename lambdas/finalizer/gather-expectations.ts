import { isOpen } from '../core/account/file-account.ts';
import { isoTime } from '../core/iso-time.ts';
import { dueBetween } from '../core/nights/expected-files.ts';
import { judgeExpected } from '../core/nights/judge-expected.ts';
import type { NightExpectation } from '../core/nights/night-entry.ts';
import { readArrivals } from '../nights/read-arrivals.ts';
import type { ExpectedLedger, FileLedger } from '../ports.ts';

interface GatherPorts {
  ledger: Pick<ExpectedLedger, 'getExpected'> & Pick<FileLedger, 'eachFile'>;
}

/**
 * What should have arrived in a night, and whether it has by now. The reconciler's note says what is expected, and since when:
 * a new setting has no missed past. Times are milliseconds since 1970.
 */
export async function gatherExpectations(
  feed: string,
  night: { from: number; to: number; now: number },
  { ledger }: GatherPorts,
): Promise<NightExpectation[]> {
  const known = (await ledger.getExpected(feed))?.files ?? [];
  const dues = known
    .flatMap(({ file, since }) => dueBetween([file], Math.max(night.from, since), night.to))
    .sort((a, b) => a.dueAt - b.dueAt);
  const files = await readArrivals(feed, dues, ledger);
  return dues.map((due) => {
    const { state, file, lateBySeconds } = judgeExpected(due, files, night.now);
    return {
      name: due.name.toWellFormed(),
      key: due.key.toWellFormed(),
      by: isoTime(due.dueAt),
      records: due.records,
      // By a clock that is behind, there seems to be time left.
      state: state === 'not_due' ? 'missing' : state,
      late_seconds: lateBySeconds ?? null,
      file_id: file?.fileId ?? null,
      obstacle: file?.obstacle ?? (isOpen(file) ? 'unfinished' : null),
    };
  });
}
