import { matchSeries, parseSeriesPattern } from '../../feeds/series-pattern.ts';
import { prepareCut } from '../../lambdas/core/records/prepare-batch.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { contentBytesOf } from '../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import { BatchCutter, startOf } from '../../lambdas/core/records/batch-cutter.ts';
import { writeBundle } from '../../lambdas/core/records/bundle.ts';
import type { CsvDialect, Dialect } from '../../lambdas/core/records/dialect.ts';
import { seriesIdOf } from '../../lambdas/core/series/series-id.ts';
import { checkContent } from '../../lambdas/content/check-content.ts';
import { readContent } from '../../lambdas/content/read-content.ts';
import { readDialect } from '../../lambdas/content/read-dialect.ts';
import { readMembers } from '../../lambdas/content/read-members.ts';
import { InterruptedError } from '../interrupt.ts';
import { checkControl } from './check-control.ts';
import type { CheckReport, ControlCheck, FileWarning, SeriesCheck } from './check-report.ts';
import type { CheckRequest } from './check-request.ts';
import { estimateCost } from './estimate-cost.ts';
import { Findings } from './findings.ts';
import { forecastUpload } from './forecast-upload.ts';
import type { CheckedFile } from './open-checked-file.ts';
import { hashChecked } from './open-checked-file.ts';

/** Bytes given to the cutter at once. */
const stepBytes = 128 * 1024;

/** A file whose records can be read. */
type ReadableFile = FileAccount & { dialect: Dialect };

/**
 * What the functions would make of a file, by their own code: content, dialect, cuts, records. Streams; memory does not
 * grow with the file.
 * @throws CliError where the file was written to meanwhile; InterruptedError
 */
export async function checkFile(file: CheckedFile, request: CheckRequest): Promise<CheckReport> {
  const { source } = file;
  const sha256 = await hashChecked(file, (done) => {
    stopIfAsked(request);
    request.onProgress({ what: 'hashing', done, whole: source.sizeBytes });
  });
  const account = newAccount(file, request, sha256);
  const findings = new Findings(request, file);
  try {
    const bundled = await readSmall(file, request);
    const warnings = bundled
      ? await inspectSmall(bundled, account, findings, request)
      : await inspect(file, account, findings, request);
    const control = await checkControl(file, account, request, () => stopIfAsked(request));
    if (control?.result === 'differs') {
      findings.quarantine ??= { code: 'control_differs', message: control.message ?? '' };
    }
    await file.refuseIfChanged();
    return reportOf(account, findings, warnings, { file, request, control, isSmall: bundled !== undefined });
  } finally {
    await findings.close();
  }
}

function stopIfAsked({ signal }: CheckRequest): void {
  if (signal.aborted) throw new InterruptedError('Interrupted: the file was not read completely.');
}

/** The file's account as the splitter creates it, before the dialect is detected. */
function newAccount(
  { source }: CheckedFile,
  { feed, settings, startsAtMs }: CheckRequest,
  sha256: string,
): FileAccount {
  const [main] = settings.lanes;
  if (!main) throw new Error('Every feed has a lane.');
  return {
    ...{ fileId: 'check', feed: feed.name, lane: 'main', source, sha256, limits: main.cutLimits },
    ...{ state: 'splitting', createdAt: startsAtMs, updatedAt: startsAtMs, epoch: 1 },
    ...{ settledBatches: 0, settled: noCounts() },
  };
}

/** The bytes of a bundle that has it alone, where the feed takes such files many at a time. */
async function readSmall({ source, sources }: CheckedFile, { feed }: CheckRequest): Promise<Buffer | undefined> {
  if (!feed.smallFiles || source.sizeBytes > feed.maxRecordBytes) return undefined;
  const [reading] = await readMembers([source], { sources: asPort(sources), feed });
  if (reading?.kind === 'unread') throw reading.error;
  return reading?.kind === 'member' ? writeBundle([reading.file]) : undefined;
}

async function inspectSmall(
  bundle: Buffer,
  account: FileAccount,
  findings: Findings,
  request: CheckRequest,
): Promise<FileWarning[]> {
  const { encoding } = request.feed;
  account.dialect = { format: 'bundle', encoding, bodyOffset: 0, bodyLine: 1 };
  return readRecords({ ...account, dialect: account.dialect }, [bundle], findings, request);
}

async function inspect(
  { source, sources }: CheckedFile,
  account: FileAccount,
  findings: Findings,
  request: CheckRequest,
): Promise<FileWarning[]> {
  const stored = await checkContent(source, undefined, {
    sources,
    limits: request.contentLimits,
    onChunk: (done) => {
      stopIfAsked(request);
      request.onProgress({ what: 'unpacking', done, whole: 0 });
      return Promise.resolve('go-on');
    },
  });
  if (stored.kind === 'refused') return refuse(account, stored);
  if (stored.kind === 'stored') account.content = stored.content;
  const read = await readDialect(account, undefined, { sources: asPort(sources), feed: request.feed });
  if (read.kind === 'refused') return refuse(account, read);
  if (read.kind === 'empty') return [read.warning];
  account.dialect = read.dialect;
  const file = { ...account, dialect: read.dialect };
  return readRecords(file, readContent(file, undefined, sources, read.dialect.bodyOffset), findings, request);
}

function refuse(account: FileAccount, { code, message }: { code: string; message: string }): FileWarning[] {
  account.failure = { code, message };
  return [];
}

async function readRecords(
  file: ReadableFile,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  findings: Findings,
  request: CheckRequest,
): Promise<FileWarning[]> {
  const whole = contentBytesOf(file);
  const cutter = new BatchCutter(file.dialect, file.limits, startOf(file.dialect));
  const take = async (batches: ReturnType<BatchCutter['push']>): Promise<void> => {
    for (const batch of batches) {
      if (batch.batch > (cutter.otherHeader?.batch ?? Infinity)) findings.held += batch.records;
      else await findings.add(prepareCut(batch, request.feed, file), file);
    }
  };
  for await (const chunk of content) {
    for (let step = 0; step < chunk.length; step += stepBytes) {
      stopIfAsked(request);
      await take(cutter.push(chunk.subarray(step, step + stepBytes)));
    }
    request.onProgress({ what: 'records', done: cutter.position.offset, whole });
  }
  await take(cutter.end());
  const { otherHeader } = cutter;
  if (otherHeader) findings.quarantine ??= { code: 'other_header', message: otherHeader.message };
  return cutter.warnings;
}

function asPort({ read }: CheckedFile['sources']) {
  return { read, head: () => Promise.resolve(undefined) };
}

/** How a report is put together from what was found. */
function reportOf(
  account: FileAccount,
  findings: Findings,
  warnings: readonly FileWarning[],
  {
    file,
    request,
    control,
    isSmall,
  }: { file: CheckedFile; request: CheckRequest; control: ControlCheck | null; isSmall: boolean },
): CheckReport {
  const { settings, startsAtMs } = request;
  const { content, dialect, failure = null } = account;
  const { quarantine, held } = findings;
  const repeated = findings.ids.find();
  const { good, rejected } = findings;
  const upload = forecastUpload(good, settings, startsAtMs);
  const cost = estimateCost({
    ...{ records: good + rejected, rejected, uploadSeconds: upload.seconds, isSmall },
    consumers: settings.api.consumers,
    consumerMemoryMb: settings.lanes[0]?.consumerMemoryMb ?? 0,
    isLedger: settings.api.url === undefined,
  });
  return {
    file: file.name,
    feed: account.feed,
    stage: request.stage,
    bytes: account.source.sizeBytes,
    checksum: account.sha256 ?? '',
    state: failure ? 'failed' : quarantine ? 'quarantined' : 'completed',
    failure: failure ?? quarantine ?? null,
    format: isSmall ? 'json-document' : (dialect?.format ?? null),
    encoding: dialect?.encoding ?? null,
    compression: content?.compression ?? null,
    zip_member: content?.member?.name ?? null,
    decoded_from: content?.decodedFrom ?? null,
    content_bytes: failure ? null : contentBytesOf(account),
    csv: dialect?.format === 'csv' ? describeCsv(dialect) : null,
    series: seriesOf(file.name, settings),
    control,
    is_small_file: isSmall,
    total_records: good + rejected + held,
    valid_records: good,
    rejected_records: rejected,
    held_records: held,
    rejects: findings.rejects.list(),
    repeated_records: repeated.count,
    repetitions: repeated.examples,
    warnings: [...warnings],
    record_warnings: findings.recordWarnings,
    upload,
    cost: { dollars: cost.dollars, lambda_dollars: cost.lambdaDollars },
  };
}

function seriesOf(
  name: string,
  { name: feed, series: text, revisionRules }: CheckRequest['settings'],
): SeriesCheck | null {
  if (text === undefined) return null;
  const match = matchSeries(parseSeriesPattern(text), name);
  return {
    pattern: text,
    id: match ? seriesIdOf(feed, match) : null,
    parts: Object.fromEntries(match?.values.map((part) => [part.name, part.value]) ?? []),
    number: match?.number ?? null,
    changed_records: revisionRules.changedRecords ?? null,
  };
}

function describeCsv({ delimiter, lineBreak, columns, bodyLine }: CsvDialect): CheckReport['csv'] {
  return { delimiter, line_break: lineBreak, columns: [...columns], first_record_line: bodyLine };
}
