import type { ProblemReason } from '../../lambdas/core/records/problem.ts';
import type { ExportFormat, SourceRow } from './avion-row-text.ts';
import { csvRow, jsonRow } from './avion-row-text.ts';

interface BrokenText {
  bytes: Buffer;
  reason: ProblemReason;
  field: string | null;
}

type Break = (row: SourceRow) => BrokenText;

const text = (bytes: string, reason: ProblemReason, field: string | null = null): BrokenText => ({
  bytes: Buffer.from(bytes),
  reason,
  field,
});

/** The same fault in either format: a value that should not be. */
const value = (
  field: string,
  wrong: SourceRow[string],
  reason: ProblemReason,
  inJson: ProblemReason = reason,
): Record<ExportFormat, Break> => ({
  csv: (row) => text(csvRow({ ...row, [field]: String(wrong ?? '') }), reason, field),
  jsonl: (row) => text(jsonRow({ ...row, [field]: wrong }), inJson, field),
});

/** The kinds of invalid row, and the reason for which each must be rejected. The first ten are the usual ones. */
const breaks = {
  blank_station: value('StationCode', '', 'blank'),
  blank_advertiser: value('ClientName', '   ', 'blank'),
  duration_fraction: value('Duration', '29.97', 'not_an_integer'),
  duration_unit: value('Duration', '30s', 'not_an_integer'),
  duration_missing: value('Duration', undefined, 'blank', 'missing'),
  missing_field: {
    csv: (row) => text(csvRow(row).split(',').slice(0, 4).join(','), 'field_count'),
    jsonl: ({ SpotID: _gone, ...row }) => text(jsonRow(row), 'missing', 'SpotID'),
  },
  shifted_fields: {
    // A comma that should have been quoted.
    csv: (row) =>
      text(csvRow({ ...row, ClientName: 'plain' }).replace(',plain', ',Dewey, Cheatem,Howe'), 'field_count'),
    jsonl: (row) => text(jsonRow({ ...row, StationCode: 7 }), 'wrong_type', 'StationCode'),
  },
  stray_quote: {
    csv: (row) => text(csvRow({ ...row, ClientName: 'plain' }).replace(',plain', ',plain 17" wheels'), 'bare_quote'),
    jsonl: (row) => text(jsonRow({ ...row, ClientName: 'plain' }).replace('"plain"', '"plain 17" wheels"'), 'not_json'),
  },
  invalid_utf8: {
    csv: (row) => latin1(csvRow({ ...row, ClientName: 'plain' })),
    jsonl: (row) => latin1(jsonRow({ ...row, ClientName: 'plain' })),
  },
  cut_short: {
    csv: (row) => text(csvRow(row).split(',').slice(0, 3).join(','), 'field_count'),
    jsonl: (row) => text(jsonRow(row).slice(0, -9), 'not_json'),
  },
  duration_true: value('Duration', true, 'not_an_integer', 'wrong_type'),
  text_after_quote: {
    csv: (row) => text(csvRow({ ...row, ClientName: 'plain' }).replace(',plain', ',"plain" old'), 'text_after_quote'),
    jsonl: (row) => text(`[${jsonRow(row)}]`, 'not_an_object'),
  },
} satisfies Record<string, Record<ExportFormat, Break>>;

export type BrokenKind = keyof typeof breaks;
export const brokenKinds = Object.keys(breaks) as BrokenKind[];
export const usualBrokenKinds = brokenKinds.slice(0, 10);

/** A row as written in the file, without its line break, invalid in that way. */
export function breakRow(kind: BrokenKind, format: ExportFormat, row: SourceRow): BrokenText {
  return breaks[kind][format](row);
}

/** `é` as an old machine writes it: one byte, which is not UTF-8. */
function latin1(row: string): BrokenText {
  const [before = '', after = ''] = row.split('plain');
  const bytes = Buffer.concat([Buffer.from(`${before}Caf`), Buffer.of(0xe9), Buffer.from(after)]);
  return { bytes, reason: 'invalid_encoding', field: null };
}
