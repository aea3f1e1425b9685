import { createHash } from 'node:crypto';
import type { Feed } from '../../feeds/feed.ts';
import { CsvColumns } from '../core/dead-letters/csv-columns.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { AnsweredFailure } from '../core/answers/failure-text.ts';
import { failureText } from '../core/answers/failure-text.ts';
import { nameOfFile } from '../core/account/file-account.ts';
import { countFailed } from '../core/account/outcome.ts';
import { plainText } from '../core/plain-text.ts';
import type { OpenDead } from '../core/dead-letters/reconciliation-csv.ts';
import { fieldsOf, lastFailureOf } from '../core/dead-letters/reconciliation-csv.ts';
import { deadOfFiles, readDeadRecords } from '../dead-letters/read-dead-records.ts';
import { atMost } from '../dead-letters/whole-payload.ts';
import type { DeadRecordPorts } from '../dead-letters/read-dead-records.ts';
import type { FileLedger } from '../ports.ts';

/** The most files in a message, the newest ones; the list has them all. */
const maxFiles = 20;
/** The most reasons counted separately per file. An API can produce a different reason for each record. */
const maxReasons = 50;
const maxReasonCharacters = 100;
const maxExampleCharacters = 160;

/** The most objects read for one list; for further records it shows the heads. */
const maxPayloads = 1_000;

/** How many of a file's records failed for one reason, and the first one's error. */
export interface ReasonCount {
  count: number;
  example: string;
}

export interface FileSurvey {
  fileId: string;
  name: string;
  createdAt: number;
  count: number;
  reasons: Map<string, ReasonCount>;
  /** Records with further reasons. */
  otherCount: number;
}

/** The dead letters of a feed that need attention. Its size is bounded; the counts are exact. */
export interface Survey {
  count: number;
  /** Of these, the records whose letter was received: the ledger has an item of each. */
  received: number;
  fileCount: number;
  /** The newest first. */
  newest: FileSurvey[];
  /** The source's columns in the list. */
  columns: string[];
  /** Send time of the oldest letter's message; undefined if none is known. */
  oldestSentAt: number | undefined;
  /** Computed over every record and its last failure. */
  fingerprint: string;
}

export type SurveyPorts = Required<DeadRecordPorts> & {
  ledger: Pick<FileLedger, 'eachFile'>;
  feedNamed: (name: string) => Pick<Feed, 'columns'>;
};

export async function surveyDead(feed: string, ports: SurveyPorts): Promise<Survey> {
  const survey = {
    ...{ count: 0, received: 0, fileCount: 0, newest: [] as FileSurvey[] },
    oldestSentAt: undefined as number | undefined,
  };
  const columns = new CsvColumns(ports.feedNamed(feed).columns);
  const hash = createHash('sha256');
  const { ledger, archive, receipts } = ports;
  // Long records with only their heads: most runs write no list.
  const readDead = (file: FileAccount) => readDeadRecords(file, { ledger, archive, receipts });
  for await (const { file, records } of deadOfFiles(filesWithDead(feed, ports), readDead)) {
    const found = emptySurvey(file);
    for await (const open of records) {
      const last = lastFailureOf(open);
      // Without the time, which changes slightly when a letter is received for the first time.
      hash.update(`${file.fileId}/${open.receipt.record}/${open.dead?.history.length ?? 1}/${last.reason}\n`);
      if (file.dialect?.format !== 'csv') columns.note(fieldsOf(open));
      noteReason(found, last);
      if (open.dead) survey.received++;
      const sentAt = open.dead?.messageSentAt;
      // 0: known only from its batch's message.
      if (sentAt) survey.oldestSentAt = Math.min(survey.oldestSentAt ?? sentAt, sentAt);
    }
    if (found.count === 0) continue;
    // The header is the same for all records of the file.
    if (file.dialect?.format === 'csv') columns.note(file.dialect.columns, found.count);
    survey.count += found.count;
    survey.fileCount++;
    noteFile(survey.newest, found);
  }
  return { ...survey, columns: columns.chosen(), fingerprint: hash.digest('hex') };
}

/** Every open dead letter of the feed, with its whole record. Memory does not grow with files or records. */
export async function* eachDead(feed: string, ports: SurveyPorts): AsyncGenerator<OpenDead> {
  const payloads = atMost(maxPayloads, ports.payloads);
  const readDead = (file: FileAccount) => readDeadRecords(file, { ...ports, payloads });
  for await (const { records } of deadOfFiles(filesWithDead(feed, ports), readDead)) yield* records;
}

/**
 * Files in progress whose settled batches had failures, and closed files with open letters. In this order: a file that is
 * closed in between is returned twice rather than never.
 */
async function* filesWithDead(feed: string, { ledger }: SurveyPorts): AsyncGenerator<FileAccount> {
  const met = new Set<string>();
  for await (const file of ledger.eachFile(feed, 'open')) {
    if (countFailed(file.settled) === 0) continue;
    met.add(file.fileId);
    yield file;
  }
  for await (const file of ledger.eachFile(feed, 'dead')) if (!met.has(file.fileId)) yield file;
}

function emptySurvey({ fileId, source, bundle, createdAt }: FileAccount): FileSurvey {
  const name = nameOfFile(source.key, bundle?.members);
  return { fileId, name, createdAt, count: 0, reasons: new Map(), otherCount: 0 };
}

function noteFile(newest: FileSurvey[], found: FileSurvey): void {
  newest.push(found);
  newest.sort((a, b) => b.createdAt - a.createdAt);
  newest.splice(maxFiles);
}

function noteReason(found: FileSurvey, failure: AnsweredFailure & { reason: string }): void {
  found.count++;
  const name = plainText(failure.reason, maxReasonCharacters);
  const before = found.reasons.get(name);
  if (before) before.count++;
  else if (found.reasons.size >= maxReasons) found.otherCount++;
  else found.reasons.set(name, { count: 1, example: plainText(failureText(failure), maxExampleCharacters + 1) });
}
