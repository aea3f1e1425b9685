import { failureText } from '../../lambdas/core/answers/failure-text.ts';
import type { DeadEntry, DeadExample, ReasonGroup, ReasonTally } from '../dlq/group-by-reason.ts';
import { tallyOf } from '../dlq/group-by-reason.ts';
import { formatCount, formatCountOf, oneLine } from '../terminal/format.ts';
import { wrapWords } from '../terminal/lines.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** The DLQ's messages by reason, with an example of each. */
export function formatDeadMessages(
  messages: readonly DeadEntry[],
  feed: string,
  { style }: Pick<Terminal, 'style'>,
  columns: number,
): string {
  if (messages.length === 0) return `The DLQ of ${feed} is empty.\n`;
  return formatDeadEntries(`In the DLQ of ${feed}`, 'dead letter', tallyOf(messages), { style }, columns);
}

/** Dead letters by reason, with an example of each, under a heading. */
export function formatDeadEntries(
  what: string,
  noun: string,
  tally: ReasonTally,
  { style }: Pick<Terminal, 'style'>,
  columns: number,
): string {
  const groups = tally.groups();
  const counts = formatTable(
    [{ title: 'count', align: 'right' }, { title: 'outcome' }, { title: 'reason' }, { title: 'fields' }],
    groups.map((group) => [
      formatCount(group.count),
      oneLine(group.outcome, 20),
      oneLine(group.reason, 40),
      oneLine(group.fields.join(', '), 50),
    ]),
    '  ',
  );
  const examples = groups.map((group) => formatExample(group, style, columns)).join('');
  const title = `${what}: ${formatCountOf(tally.count, noun)} of ${formatCountOf(tally.files, 'file')}`;
  return `${style('bold', title)}\n\n${counts}\nAn example of each:\n\n${examples}`;
}

function formatExample({ outcome, reason, example }: ReasonGroup, style: Terminal['style'], columns: number): string {
  const width = Math.max(40, columns - 4);
  return [
    `  ${style('bold', oneLine(`${outcome}, ${reason}`, width))}\n`,
    `    ${oneLine(placeOf(example), width)}\n`,
    ...wrapWords(oneLine(failureText({ error: example.error, answer: example.api_answer }), 1_000), width).map(
      (line) => `    ${line}\n`,
    ),
    `    ${style('dim', oneLine(payloadOf(example), width))}\n`,
  ].join('');
}

/** Of bytes that are not text, what can be read: enough to recognise the record. */
function payloadOf({ raw_encoding, raw_payload }: DeadExample): string {
  if (raw_payload === null) return '(its batch is not settled yet: `dlq show` will show the text in the file)';
  return raw_encoding === 'text' ? raw_payload : Buffer.from(raw_payload, 'base64').toString('utf8');
}

function placeOf(message: DeadExample): string {
  const file =
    message.source_file?.slice(message.source_file.lastIndexOf('/') + 1) ?? message.file_id ?? 'unknown file';
  const places = [
    message.record === null ? '' : `record ${formatCount(message.record)}`,
    message.line === null ? '' : `line ${formatCount(message.line)}`,
    message.offset === null ? '' : `byte ${formatCount(message.offset)}`,
  ].filter((place) => place !== '');
  return [file, places.join(', ')].filter((part) => part !== '').join(': ');
}
