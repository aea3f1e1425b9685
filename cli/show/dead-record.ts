import { alteredReason } from '../../lambdas/core/dead-letters/dead-history.ts';
import { failureText } from '../../lambdas/core/answers/failure-text.ts';
import type { DeadDescription } from '../dlq/describe-dead.ts';
import { formatCount, oneLine } from '../terminal/format.ts';
import { formatPairs, formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** Sentences are wrapped, not cut. */
const maxCharacters = 4_000;

/** Everything known about one record, as text. */
export function formatDeadRecord(dead: DeadDescription, { style }: Pick<Terminal, 'style'>, columns: number): string {
  const pairs = pairsOf(dead).flatMap(([name, value]): [string, string][] =>
    value === null || value === '' ? [] : [[name, oneLine(value, maxCharacters)]],
  );
  const title = `Record ${formatCount(dead.record)} of ${oneLine(dead.source_file, Math.max(40, columns - 20))}`;
  const parts = [`${style('bold', title)}\n\n${formatPairs(pairs, '  ')}`];
  if (dead.history.length > 0) parts.push(`\nHistory:\n\n${formatHistory(dead)}`);
  if (dead.correction) parts.push(`\nThe newest correction:\n\n${formatCorrection(dead.correction)}`);
  if (dead.raw_payload !== null) parts.push(`\nIn the file:\n\n${style('dim', payloadOf(dead))}\n`);
  return parts.join('');
}

function pairsOf(dead: DeadDescription): [string, string | null][] {
  const place = [
    dead.line === null ? '' : `line ${formatCount(dead.line)}`,
    dead.offset === null ? '' : `byte ${formatCount(dead.offset)}`,
    dead.length === null ? '' : `${formatCount(dead.length)} bytes`,
  ].filter((part) => part !== '');
  return [
    ['state', stateOf(dead)],
    ['why', `${dead.outcome}, ${dead.reason}: ${dead.error}`],
    ['field', dead.field],
    ['http status', dead.http_status === null ? null : String(dead.http_status)],
    ['api answer', dead.api_answer],
    ['place', place.join(', ')],
    ['file id', dead.file_id],
    ['feed, lane', `${dead.feed}, ${dead.lane}`],
    ['request id', dead.request_id],
    ['requests', dead.attempts === null ? null : `${formatCount(dead.attempts)} before it became a dead letter`],
    ['sha256', dead.sha256],
    ['letter id', dead.letter_id],
    ['message', dead.message_id === null ? null : `${dead.message_id}, sent ${dead.sent_at ?? 'at an unknown time'}`],
  ];
}

function stateOf({ state, resolution }: DeadDescription): string {
  if (!resolution) return state === 'dead' ? 'open' : state;
  const how = resolution.kind === 'handled' ? `by hand, by ${resolution.by ?? '?'}: ${resolution.why ?? ''}` : '';
  const correction = resolution.correction_id === null ? '' : ' by a corrected row';
  return `resolved ${resolution.at} ${how === '' ? `(${resolution.kind}${correction})` : how}`;
}

function formatHistory({ history }: DeadDescription): string {
  const rows = history.map(({ at, outcome, reason, status, error, api_answer: answer, correction_id }) => [
    `${at.slice(0, 19).replace('T', ' ')}Z`,
    reason === alteredReason ? 'nothing' : correction_id === null ? 'the record' : 'a correction',
    outcome,
    reason,
    status === null ? '' : String(status),
    oneLine(failureText({ error, answer }), maxCharacters),
  ]);
  const titles = ['when', 'what was tried', 'outcome', 'reason', 'status', 'error'].map((title) => ({ title }));
  return formatTable(titles, rows, '  ');
}

function formatCorrection(correction: NonNullable<DeadDescription['correction']>): string {
  const { id, by, at, changed, row } = correction;
  const values = changed.map((column): [string, string] => [
    oneLine(column, 30),
    oneLine(typeof row[column] === 'string' ? row[column] : JSON.stringify(row[column] ?? null), maxCharacters),
  ]);
  return formatPairs([['id', id], ['sent', `${at} by ${oneLine(by, 40)}`], ...values], '  ');
}

/** Lines that are safe for the terminal; of bytes that are not text, what can be read. */
function payloadOf({ raw_encoding, raw_payload }: DeadDescription): string {
  const text =
    raw_encoding === 'text' ? (raw_payload ?? '') : Buffer.from(raw_payload ?? '', 'base64').toString('utf8');
  const shown = text.split(/\r\n|\r|\n/).map((line) => `  ${oneLine(line, 100_000)}`);
  return raw_encoding === 'head' ? `${shown.join('\n')}\n  … (only its beginning is stored)` : shown.join('\n');
}
