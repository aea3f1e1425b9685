import { expect, test } from 'vitest';
import type { DemoEnd } from '../../../cli/demo/check-demo.ts';
import { checkDemo } from '../../../cli/demo/check-demo.ts';
import { demo } from '../../../cli/demo/demo-settings.ts';
import { requestIdOf } from '../../../lambdas/core/records/identity.ts';

const sha256 = 'a'.repeat(64);
const valid = demo.rows - 3;
const spots = Array.from({ length: valid }, (_, index) => ({
  spot_id: `SP-${index}`,
  station: 'WABC',
  airtime: '2026-01-05 06:00:00',
  duration_sec: 30,
  advertiser: 'Café',
}));

/** A demo that went as it should. */
function endOf(change: (end: DemoEnd) => void = () => undefined): DemoEnd {
  const end = {
    exported: {
      ...{ sha256, bytes: 9, valid, broken: 1, refused: 2, byKind: {} },
      spots: new Map(spots.map((spot) => [spot.spot_id, spot])),
    },
    manifest: {
      ...{ reconciled: true, checksum: sha256, bytes: 9, total_records: demo.rows, uploaded_records: valid },
      ...{
        rejected_records: 1,
        refused_records: 2,
        duplicate_records: 0,
        unchanged_records: 0,
        exhausted_records: 0,
        held_records: 0,
      },
      dead_lettered_records: 3,
    },
    entries: spots.map((spot) => ({ request_id: requestIdOf([spot.spot_id, spot.airtime], sha256), ...spot })),
    stats: { throttled: 0, maxOfferedInWindow: 10, limit: { requests: 10, windowSeconds: 60 } },
    lettersOf: [1, 2, 3],
  } as unknown as DemoEnd;
  change(end);
  return end;
}
const failing = (end: DemoEnd): string[] => checkDemo(end).flatMap(({ holds, sentence }) => (holds ? [] : [sentence]));
const entriesOf = (end: DemoEnd) => end.entries as unknown as Record<string, unknown>[];

test('reports no finding if every check passes', () => expect(failing(endOf())).toEqual([]));

test.each<[string, (end: DemoEnd) => void, RegExp]>([
  ['a spot that is missing', (end) => entriesOf(end).pop(), /1 are missing/],
  ['a spot that is there twice', (end) => entriesOf(end).push(entriesOf(end)[0] ?? {}), /1 are wrong/],
  ['a field that was altered', (end) => Object.assign(entriesOf(end)[5] ?? {}, { advertiser: 'Cafe' }), /1 are wrong/],
  ['a field too many', (end) => Object.assign(entriesOf(end)[5] ?? {}, { notes: '' }), /1 are wrong/],
  [
    'a request id that is not the row’s',
    (end) => Object.assign(entriesOf(end)[5] ?? {}, { request_id: '0' }),
    /1 are wrong/,
  ],
  ['a spot that nobody wrote', (end) => Object.assign(entriesOf(end)[5] ?? {}, { spot_id: 'SP-x' }), /1 are wrong/],
  ['a sum that is not exact', (end) => (end.manifest.uploaded_records -= 1), /the sum is exact/],
  ['an account that is not reconciled', (end) => (end.manifest.reconciled = false), /the sum is exact/],
  ['another checksum', (end) => (end.manifest.checksum = 'b'.repeat(64)), /the manifest agrees/],
  ['a dead letter twice', (end) => (end.lettersOf = [1, 2, 2]), /the DLQ holds/],
  ['a dead letter that is missing', (end) => (end.lettersOf = [1, 2]), /the DLQ holds/],
  ['a 429', (end) => (end.stats.throttled = 1), /429 1 time;/],
])('%s is found', (_what, change, sentence) => {
  const found = failing(endOf(change));
  expect(found.join('\n')).toMatch(sentence);
});
