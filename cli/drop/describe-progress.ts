import { expectedRecords } from '../../lambdas/core/account/expected-records.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { LinePace } from '../../lambdas/core/deadlines/pace.ts';
import { contentBytesOf } from '../../lambdas/core/account/file-account.ts';
import { countFailed, sumCounts } from '../../lambdas/core/account/outcome.ts';
import { waitOf } from '../live/describe-file.ts';
import { formatBytes, formatCount, formatDuration, formatRate, formatShare } from '../terminal/format.ts';
import { secondsLeft, withinLimit } from '../terminal/rate-meter.ts';

export interface ProgressFacts {
  /** Undefined until a splitter has claimed it. */
  file: FileAccount | undefined;
  /** How fast the records are sent; undefined until it is known. */
  pace: LinePace | undefined;
  /** Why nothing is sent, if its feed is paused or the breaker is open. */
  stopped?: string | undefined;
  /** The limit that applies; undefined if the feed has no API. */
  limitPerSecond: number | undefined;
}

export interface ProgressLine {
  phase: 'waiting' | 'reading' | 'uploading' | 'closing';
  text: string;
}

/** A file's progress in one line. */
export function describeProgress(facts: ProgressFacts): ProgressLine {
  const { file } = facts;
  if (!file) return { phase: 'waiting', text: 'waiting for a splitter' };
  const done = sumCounts(file.settled);
  const whole = file.totalRecords ?? 0;
  if (file.state === 'splitting' && done === 0) return describeReading(file);
  if (file.state !== 'splitting' && done >= whole) {
    const records = whole === 0 ? '' : `${formatCount(done)} of ${formatCount(whole)} records done; `;
    return { phase: 'closing', text: `${records}writing the manifest` };
  }
  return { phase: 'uploading', text: describeUpload(facts, file) };
}

/** Requests that the API has answered finally: the unit of its limit. */
export function answeredOf(file: FileAccount): number {
  const { uploaded, duplicate, refused } = file.settled;
  return uploaded + duplicate + refused;
}

function describeReading(file: FileAccount): ProgressLine {
  const { source, checkpoint, hashProgress } = file;
  const waits = waitOf(file, (at) => `${new Date(at).toISOString().slice(11, 16)} UTC`);
  if (waits !== undefined) return { phase: 'reading', text: waits };
  const size = source.sizeBytes > 0 ? ` of ${formatBytes(source.sizeBytes)}` : '';
  if (checkpoint && checkpoint.record > 0) {
    const share = formatShare(checkpoint.offset, contentBytesOf(file));
    return { phase: 'reading', text: `splitting  ${share}${size}, ${formatCount(checkpoint.record)} records so far` };
  }
  const share = hashProgress ? `  ${formatShare(hashProgress.offset, source.sizeBytes)}${size}` : size;
  return { phase: 'reading', text: `computing the checksum${share}` };
}

function describeUpload({ pace, stopped, limitPerSecond }: ProgressFacts, file: FileAccount): string {
  const done = sumCounts(file.settled);
  const expected = expectedRecords(file);
  const about = file.totalRecords === undefined ? 'about ' : '';
  const failed = countFailed(file.settled);
  const parts = [
    expected === undefined
      ? `${formatCount(done)} records done`
      : `${formatCount(done)} of ${about}${formatCount(expected)} records (${formatShare(done, expected)})`,
  ];
  if (limitPerSecond !== undefined) {
    const perSecond = pace?.measuredPerSecond;
    const measured = perSecond === undefined ? '' : `${formatRate(withinLimit(perSecond, limitPerSecond))} of `;
    parts.push(`${measured}${formatRate(limitPerSecond)} allowed`);
  }
  const left = expected === undefined ? undefined : secondsLeft(expected - done, pace?.perSecond);
  // Until the rate is known, the API may be slower than its limit.
  if (left !== undefined && stopped === undefined)
    parts.push(`${pace?.measuredPerSecond ? 'about' : 'at least'} ${formatDuration(left)} left`);
  if (failed > 0) parts.push(`${formatCount(failed)} failed`);
  if (stopped !== undefined) parts.push(stopped);
  return parts.join('  ');
}
