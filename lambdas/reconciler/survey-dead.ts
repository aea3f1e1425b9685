import { createHash } from 'node:crypto';
import type { FileAccount } from '../core/file-account.ts';
import type { OpenDead } from '../core/reconciliation-csv.ts';
import { lastFailureOf, sourceRowOf } from '../core/reconciliation-csv.ts';
import { readDeadRecords } from '../dead-letters/read-dead-records.ts';
import type { DeadRecordPorts } from '../dead-letters/read-dead-records.ts';
import type { FileLedger } from '../ports.ts';

/** More files than that with dead letters at once are looked at in the order they came; the rest when these are done with. */
const maxFiles = 20_000;

/** How many of a file's records failed for one reason, and what was said of the first. */
export interface ReasonCount {
  count: number;
  example: string;
}

export interface FileSurvey {
  file: FileAccount;
  count: number;
  reasons: Map<string, ReasonCount>;
}

/** What of a feed needs somebody. Grows with files and reasons, not with records. */
export interface Survey {
  count: number;
  files: FileSurvey[];
  /** The source's columns, in the order they were met. */
  columns: string[];
  /** Send time of the oldest letter's message; undefined where none is known. */
  oldestSentAt: number | undefined;
  /** Of every record and how it failed last. */
  fingerprint: string;
}

export type SurveyPorts = DeadRecordPorts & { ledger: Pick<FileLedger, 'listFiles'> };

export async function surveyDead(feed: string, ports: SurveyPorts): Promise<Survey> {
  const survey: Survey = { count: 0, files: [], columns: [], oldestSentAt: undefined, fingerprint: '' };
  const columns = new Set<string>();
  const hash = createHash('sha256');
  for (const file of await filesWithDead(feed, ports)) {
    const found: FileSurvey = { file, count: 0, reasons: new Map() };
    for await (const open of readDeadRecords(file, ports)) {
      const last = lastFailureOf(open);
      // Not by its time: a letter that is met for the first time tells that a little differently.
      hash.update(`${file.fileId}/${open.receipt.record}/${open.dead?.history.length ?? 1}/${last.reason}\n`);
      noteColumns(open, columns);
      noteReason(found, last);
      const sentAt = open.dead?.messageSentAt;
      // 0: known by its batch's message alone.
      if (sentAt) survey.oldestSentAt = Math.min(survey.oldestSentAt ?? sentAt, sentAt);
    }
    if (found.count === 0) continue;
    survey.count += found.count;
    survey.files.push(found);
  }
  return { ...survey, columns: [...columns], fingerprint: hash.digest('hex') };
}

/** Those that are closed with open letters, and those under way whose settled batches had failures. */
async function filesWithDead(feed: string, { ledger }: SurveyPorts): Promise<FileAccount[]> {
  const closed = await ledger.listFiles(feed, 'dead', maxFiles, 'oldest');
  const open = await ledger.listFiles(feed, 'open', maxFiles, 'oldest');
  return [...closed, ...open.filter(({ settled }) => settled.rejected + settled.refused + settled.exhausted > 0)];
}

/** A CSV's header has them; of JSON each record has its own. */
function noteColumns({ file, receipt }: OpenDead, columns: Set<string>): void {
  const names =
    file.dialect?.format === 'csv' ? file.dialect.columns : (sourceRowOf(receipt, file.dialect)?.cells.keys() ?? []);
  for (const name of names) if (name !== '') columns.add(name);
}

function noteReason(found: FileSurvey, { reason, error }: { reason: string; error: string }): void {
  found.count++;
  const before = found.reasons.get(reason);
  if (before) before.count++;
  else found.reasons.set(reason, { count: 1, example: error });
}
