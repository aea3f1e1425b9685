import { isDeepStrictEqual } from 'node:util';
import type { DueFile, ExpectedFile } from '../core/nights/expected-files.ts';
import { arrivedMail, missedMail } from '../core/nights/expected-mail.ts';
import type { ExpectedCheck } from '../core/nights/expected-note.ts';
import { checkExpected, duesToJudge, historyBefore, noteBeingTold } from '../core/nights/expected-note.ts';
import { readArrivals } from '../nights/read-arrivals.ts';
import type { AuditLog, Clock, Desk, ExpectedLedger, FileLedger, Metrics } from '../ports.ts';

export interface CheckExpectedPorts {
  ledger: ExpectedLedger & Pick<FileLedger, 'eachFile'>;
  /** The feed's files that should arrive each day. */
  expected: readonly ExpectedFile[];
  desk: Desk;
  stackName: string;
  metricsOf: (feed: string) => Metrics;
  clock: Pick<Clock, 'now'>;
  log: AuditLog;
}

/**
 * Notifies alarm and desk of expected files that are not here, and the desk when they are. The messages first, then the note
 * that they were sent: a run that dies between them notifies twice rather than never. A first note says that they are about
 * to be sent, so that the desk is notified of a file's arrival even if it comes before the next run.
 */
export async function checkExpectedFiles(feed: string, ports: CheckExpectedPorts): Promise<void> {
  const { ledger, expected, clock, log } = ports;
  const before = await ledger.getExpected(feed);
  if (expected.length === 0 && !before?.files.length) return;
  const now = clock.now();
  const files = await readArrivals(feed, duesToJudge(expected, before, now), ledger);
  const check = checkExpected(expected, before, files, now);
  // Before a message that may fail: the alarm does not depend on it.
  const metrics = ports.metricsOf(feed);
  metrics.add('MissingFiles', check.open);
  metrics.flush();
  if (check.missed.length > 0) await ledger.saveExpected(feed, noteBeingTold(check));
  await notify(feed, check, now, ports);
  if (!isDeepStrictEqual(check.note, before)) await ledger.saveExpected(feed, check.note);
  for (const { due, state } of check.missed)
    log.warn('expected file missed', { feed, name: due.name, day: due.day, state });
  for (const { due, file } of check.arrived) {
    log.info('expected file is here after all', { feed, name: due.name, day: due.day, correlation_id: file?.fileId });
  }
}

async function notify(
  feed: string,
  { note, missed, arrived }: ExpectedCheck,
  now: number,
  { desk, stackName }: CheckExpectedPorts,
): Promise<void> {
  const entries = new Map(note.files.map((entry) => [entry.file.name, entry]));
  const historyOf = ({ name, day }: DueFile) => {
    const entry = entries.get(name);
    return entry && historyBefore(entry, day);
  };
  const news = { feed, stackName, now, historyOf };
  for (const [verdicts, mailOf] of [
    [missed, missedMail],
    [arrived, arrivedMail],
  ] as const) {
    if (verdicts.length === 0) continue;
    const { subject, text } = mailOf({ ...news, verdicts });
    await desk.notify(subject, text);
  }
}
