import { beforeEach, describe, expect, it } from 'vitest';
import { blocks } from '../../../../cli/live/bar.ts';
import { formatScreen } from '../../../../cli/live/format-screen.ts';
import { expectedFileHeadlines } from '../../../../cli/live/headlines/expected-files.ts';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import type { ExpectedNight, ExpectedNote } from '../../../../lambdas/core/nights/expected-note.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { expectedFile, liveSnapshot } from '../../../support/live-snapshot.ts';
import { LiveStack } from '../../../support/live-stack.ts';

const minute = 60_000;
const dayMs = 24 * 60 * minute;

let stack: LiveStack;
/** 02:00 UTC, 21:00 in New York: the stack's time. */
let now: number;

beforeEach(() => {
  stack = new LiveStack();
  now = stack.clock.now();
});

/** Expected by a time of that evening in New York. */
async function expectBy(hour: number, minutes: number, change: Partial<ExpectedNote['files'][number]> = {}) {
  const by = { hour, minute: minutes, timeZone: 'America/New_York' };
  const file = { name: 'WABC', key: 'WABC_{yyyyMMdd+1}*.csv', by, records: 10 };
  await stack.ledger.saveExpected('traffic', { files: [{ file, since: now - 40 * dayMs, nights: [], ...change }] });
}

function add(fileId: string, createdAt: number, change: Partial<FileAccount> = {}): void {
  const file = fileAccount({ fileId, createdAt, ...change });
  stack.add({ ...file, source: { ...file.source, key: `traffic/WABC_20260105_${fileId}.csv` } });
  if (file.state === 'completed') Object.assign(stack.ledger.files.get(fileId) ?? {}, { listPk: 'CLOSED#traffic' });
}

const night = (change: Partial<ExpectedNight> = {}): ExpectedNight => ({
  ...{ day: '2026-01-04', dueAt: Date.parse('2026-01-05T01:45:00Z'), state: 'met' },
  ...change,
});
const look = () => stack.reader().look();

describe('the expected files of a snapshot', () => {
  it('are none where nothing is expected', async () => {
    expect((await look()).expected_files).toEqual([]);
  });

  it('are not here yet, before and after their time; then with a headline', async () => {
    await expectBy(21, 40);
    const before = await look();
    expect(before.expected_files).toMatchObject([
      { name: 'WABC', state: 'not_due', key: 'WABC_20260105*.csv', file_id: null, due: '2026-01-05T02:40:00.000Z' },
    ]);
    expect(before.expected_files[0]?.text).toBe('WABC: expected by 21:40 (in 40 min), not here yet');
    expect(before.headlines.some(({ kind }) => kind === 'expected-files')).toBe(false);
    await expectBy(20, 45, { nights: [{ ...night(), day: '2026-01-03', state: 'late' }] });
    const { expected_files: expected, headlines } = await look();
    expect(expected).toMatchObject([{ state: 'missing', earlier_nights: 1, earlier_late: 1 }]);
    expect(headlines[0]).toEqual({
      ...{ kind: 'expected-files', tone: 'alarm', feeds: ['traffic'], file_id: null },
      text: 'WABC: expected by 20:45 (15 min ago), not here yet; late once in the night before.',
    });
  });

  it('show what is happening to one that is here', async () => {
    await expectBy(21, 40);
    add('f1', now - 10 * minute);
    const [expected] = (await look()).expected_files;
    expect(expected).toMatchObject({ state: 'met', file_id: 'f1', file_state: 'split', found_records: 1_000 });
    expect(expected?.text).toMatch(
      /^WABC: here since 20:50 \(expected by 21:40\), in progress: uploading, done at the earliest 21:0\d/,
    );
    add('f1', now - 10 * minute, { state: 'completed' });
    expect((await look()).expected_files[0]?.text).toBe('WABC: here since 20:50 (expected by 21:40), completed');
  });

  it('are those that the reconciler has found, until these do not count any more', async () => {
    await expectBy(20, 45, { nights: [night({ fileId: 'f1' })] });
    add('f1', now - 20 * minute, { state: 'completed' });
    const files = { reads: 0 };
    const counting = {
      ...stack.ledger,
      eachFile: (...wish: Parameters<typeof stack.ledger.eachFile>) => {
        files.reads++;
        return stack.ledger.eachFile(...wish);
      },
    };
    expect((await stack.reader({}, { ledger: counting }).look()).expected_files[0]?.state).toBe('met');
    expect(files.reads).toBe(0);
    add('f1', now - 20 * minute, { supersededBy: { fileId: 'f2', at: now }, series: { id: 's' }, state: 'completed' });
    add('f2', now - 5 * minute, { series: { id: 's' } });
    expect((await look()).expected_files).toMatchObject([{ state: 'met', file_id: 'f2' }]);
    add('f2', now - 5 * minute, { state: 'quarantined', series: { id: 's' } });
    expect((await look()).expected_files).toMatchObject([{ state: 'missing', obstacle: 'quarantined' }]);
  });

  it('include a missed day besides the one that comes next', async () => {
    const missed = night({
      day: '2026-01-03',
      dueAt: Date.parse('2026-01-04T02:40:00Z'),
      state: 'missing',
      isOpen: true,
    });
    await expectBy(21, 40, { nights: [missed] });
    expect((await look()).expected_files.map(({ day, state }) => `${day} ${state}`)).toEqual([
      '2026-01-03 missing',
      '2026-01-04 not_due',
    ]);
  });

  it('have one headline for many of a feed', () => {
    const many = ['A', 'B', 'C', 'D'].map((name) => expectedFile({ name }));
    expect(expectedFileHeadlines({ expected: many }).map(({ text }) => text)).toEqual([
      '4 expected files of traffic are not here in time: A, B, C, D.',
    ]);
    expect(expectedFileHeadlines({ expected: many.slice(0, 3) })).toHaveLength(3);
  });

  it('are a section of the screen', () => {
    const snapshot = liveSnapshot({ expected_files: [expectedFile()] });
    const lines = formatScreen(
      { snapshot, unanswered: null },
      { columns: 120, rows: 60 },
      blocks,
      (_style, text) => text,
    );
    expect(lines.slice(lines.indexOf('Expected files')).slice(0, 2)).toEqual([
      'Expected files',
      '  WABC: expected by 20:00 (1 h ago), not here yet  late twice in the 30 nights before  traffic',
    ]);
  });
});
