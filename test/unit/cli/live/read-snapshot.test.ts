import { describe, expect, it } from 'vitest';
import type { FileAccount } from '../../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../../lambdas/core/account/outcome.ts';
import { fileAccount } from '../../../support/file-account.ts';
import { headlineOf } from '../../../support/live-snapshot.ts';
import { LiveStack } from '../../../support/live-stack.ts';

const settled = (uploaded: number, rejected = 0) => ({ ...noCounts(), uploaded, rejected });

function underWay(stack: LiveStack, change: Partial<FileAccount> = {}): FileAccount {
  return fileAccount({ createdAt: stack.clock.now() - 60_000, ...change });
}

describe('a snapshot', () => {
  it('of a quiet stack reports that nothing is in progress', async () => {
    const snapshot = await new LiveStack().reader().look();
    expect(snapshot.headlines).toEqual([headlineOf('calm', 'Nothing is in progress.', 'progress')]);
    expect(snapshot).toMatchObject({ files: [], files_under_way: 0, closed: [], dead_letters: [] });
    expect(snapshot.at).toBe('2026-01-05T02:00:00.000Z');
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
  });

  it('reports the progress of files, when they will be done, and the time to the deadline', async () => {
    const stack = new LiveStack();
    stack.add(underWay(stack, { settled: settled(300, 1), settledBatches: 1 }));
    const checkpoint = { record: 500, offset: 25_000, line: 501, batch: 1 };
    stack.add(underWay(stack, { fileId: 'f2', state: 'splitting', checkpoint, sha256: 'x' }));
    const { files, headlines } = await stack.reader().look();
    expect(files.map((file) => [file.file_id, file.activity])).toEqual([
      ['f1', 'uploading'],
      ['f2', 'splitting'],
    ]);
    expect(files[0]).toMatchObject({ name: 'f1.csv', split_share: 1, settled_share: 0.301, dead_lettered_records: 1 });
    expect(files[1]).toMatchObject({ split_share: 0.25, settled_share: 0, expected_records: 2_000, checksum_share: 1 });
    expect(files[0]?.projected).toMatch(/^done at the earliest 21:01 \(in 1 min\), 7 h 59 min before the deadline$/);
    expect(headlines[0]?.text).toMatch(
      /^2 files in progress; all done at the earliest 21:04 \(in 5 min\), 7 h 55 min before the deadline\.$/,
    );
  });

  it('reports that sending is switched off in AWS, and projects no end of the files that wait for it', async () => {
    const stack = new LiveStack();
    stack.add(underWay(stack));
    stack.add(underWay(stack, { fileId: 'f2', lane: 'express' }));
    const switchOf = async (name: string) => (name === 'Traffic-ConsumerName' ? ('mapping' as const) : ('on' as const));
    const { files, headlines } = await stack.reader({}, { switchOf }).look();
    expect(headlines[0]).toMatchObject({ kind: 'sending-off', tone: 'alarm', feeds: ['traffic'] });
    expect(headlines[0]?.text).toContain('an event source mapping of Traffic-ConsumerName is disabled in AWS');
    const ends = new Map(files.map((file) => [file.file_id, file.projected_done]));
    expect(ends.get('f1')).toBeNull();
    expect(ends.get('f2')).not.toBeNull();
  });

  it('counts the outcomes of unfinished batches', async () => {
    const stack = new LiveStack();
    stack.add(underWay(stack, { totalBatches: 2, settled: settled(0) }));
    stack.ledger.batches.set('f1#1', {
      ...{ fileId: 'f1', batch: 1, attempt: 1, state: 'settled', records: 500, firstRecord: 1 },
      counts: settled(499, 1),
    });
    const { files } = await stack.reader().look();
    expect(files[0]).toMatchObject({ settled_records: 500, rejected_records: 1 });
  });

  it('lists faults first', async () => {
    const stack = new LiveStack();
    const now = stack.clock.now();
    stack.add(underWay(stack, { totalRecords: 400_000 }));
    stack.limiter.item = { breaker: 'open', reason: 'outage', openUntil: now + 60_000, tat: now + 500 };
    stack.messages.set('Traffic-RecordsDlq', 2);
    const { headlines, apis } = await stack.reader().look();
    expect(headlines.map(({ tone }) => tone)).toEqual(['alarm', 'alarm', 'alarm']);
    expect(headlines[0]?.text).toContain('Nothing is sent to the API of traffic: it fails on every record.');
    expect(headlines[1]?.text).toMatch(/^1 file in progress; it will miss the deadline by 3 h/);
    expect(headlines[2]?.text).toBe('2 messages of failed work are in the DLQs.');
    expect(apis[0]).toMatchObject({
      breaker: 'open',
      breaker_reason: 'outage',
      paused_until: new Date(now + 60_000).toISOString(),
      leased_until: new Date(now + 500).toISOString(),
    });
  });

  it('lists nothing without a fault above a fault', async () => {
    const stack = new LiveStack();
    stack.messages.set('Traffic-RecordsDlq', 1);
    const { headlines } = await stack.reader().look();
    expect(headlines.map(({ text }) => text)).toEqual([
      '1 message of failed work is in the DLQs.',
      'Nothing is in progress.',
    ]);
  });

  it('has all its times in the zone of the deadline', async () => {
    const stack = new LiveStack();
    stack.limiter.item = { pausedUntil: stack.clock.now() + 600_000 };
    const { headlines, zone } = await stack.reader().look();
    expect(zone).toBe('America/New_York');
    expect(headlines[0]?.text).toBe('The API of traffic asked for a pause. Nothing is sent before 21:10 (in 10 min).');
  });

  it('lists urgent files first, and counts those that it does not list', async () => {
    const stack = new LiveStack();
    for (let number = 1; number <= 250; number++) stack.add(underWay(stack, { fileId: `n${number}` }));
    stack.add(underWay(stack, { fileId: 'urgent', lane: 'express', createdAt: stack.clock.now() }));
    const snapshot = await stack.reader().look();
    expect(snapshot.files[0]?.file_id).toBe('urgent');
    expect(snapshot.files).toHaveLength(200);
    expect(snapshot.files_under_way).toBe(251);
  });

  it('shows one feed alone, with the files of the others in its projection', async () => {
    const stack = new LiveStack();
    stack.add(underWay(stack));
    stack.add(underWay(stack, { fileId: 'other', feed: 'maintenance' }));
    const { files, files_under_way: count } = await stack
      .reader({ feeds: ['traffic', 'maintenance'], only: 'traffic' })
      .look();
    expect([files.map((file) => file.file_id), count]).toEqual([['f1'], 1]);
  });
});

describe('from poll to poll, a snapshot', () => {
  it('measures how fast the API answers, also over the end of a file', async () => {
    const stack = new LiveStack();
    const reader = stack.reader();
    for (let second = 0; second <= 20; second++) {
      stack.add(underWay(stack, { settled: settled(Math.min(1_000, 100 + second * 10)), settledBatches: 1 }));
      stack.add(underWay(stack, { fileId: 'f2' }));
      if (second === 10) await close(stack, 'f1', 200);
      if (second > 10) {
        stack.ledger.files.delete('f1');
        stack.add(underWay(stack, { fileId: 'f2', settled: settled((second - 10) * 10), settledBatches: 1 }));
      }
      const { apis } = await reader.look();
      if (second === 0) expect(apis[0]?.measured_per_second).toBeNull();
      else if (second > 10) expect(apis[0]?.measured_per_second).toBeCloseTo(10, 0);
      await stack.clock.advance(1_000);
    }
  });

  it('never measures more than the limit, which is never exceeded', async () => {
    const stack = new LiveStack();
    const reader = stack.reader();
    for (let second = 0; second <= 20; second++) {
      stack.add(underWay(stack, { settled: settled(Math.ceil(second * 10.4)), settledBatches: 1 }));
      const { apis } = await reader.look();
      if (second > 12) expect(apis[0]).toMatchObject({ measured_per_second: 10, limit: { per_second: 10 } });
      await stack.clock.advance(1_000);
    }
  });

  it('reads the queues every 5 seconds and the dead letters every 10, and a manifest once', async () => {
    const stack = new LiveStack();
    const reader = stack.reader();
    stack.add(underWay(stack, { settled: settled(999, 1), settledBatches: 2 }));
    await close(stack, 'f1', 999);
    const seen: number[][] = [];
    for (let second = 0; second < 12; second++) {
      const { dead_letters: dead } = await reader.look();
      seen.push([stack.requests.counts, dead.length]);
      await stack.clock.advance(1_000);
      if (second === 1) stack.messages.set('Traffic-Dlq', 1);
    }
    const perLook = 2 * (2 * 3 + 1);
    expect(seen.map(([counts]) => counts)).toEqual(
      [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3].map((looks) => looks * perLook),
    );
    expect(stack.requests.summaries).toBe(1);
  });

  it('shows a file that was closed, however long ago it came', async () => {
    const stack = new LiveStack();
    const reader = stack.reader();
    stack.add(underWay(stack, { createdAt: 0 }));
    for (let number = 1; number <= 30; number++) {
      stack.add(underWay(stack, { fileId: `new${number}` }));
      await close(stack, `new${number}`, 1_000);
    }
    expect((await reader.look()).files).toHaveLength(1);
    await stack.clock.advance(1_000);
    await close(stack, 'f1', 1_000);
    const { closed, files } = await reader.look();
    expect(files).toEqual([]);
    expect(closed).toHaveLength(8);
    expect(closed[0]).toMatchObject({ file_id: 'f1', verdict: 'every record was uploaded', tone: 'calm' });
  });
});

describe('open dead letters', () => {
  it('are grouped by their last reason, as far as the ledger knows them', async () => {
    const stack = new LiveStack();
    stack.add(
      underWay(stack, { settled: { ...noCounts(), uploaded: 995, rejected: 2, refused: 3 }, settledBatches: 2 }),
    );
    await close(stack, 'f1', 995, 5);
    const dead = (record: number, reason: string, state: 'dead' | 'resolved' = 'dead') =>
      stack.ledger.dead.set(`f1#${record}`, {
        ...{ fileId: 'f1', record, letterId: `l${record}`, state, outcome: 'refused', createdAt: 0 },
        failedMessageSentAt: 0,
        history: [
          { at: 0, outcome: 'refused', reason: 'http_400', error: '', status: 400 },
          { at: 1, outcome: 'refused', reason, error: '', status: 422 },
        ],
      });
    dead(1, 'http_422');
    dead(2, 'http_422');
    dead(3, 'http_409');
    dead(4, 'http_409', 'resolved');
    const { dead_letters: groups, headlines } = await stack.reader().look();
    expect(groups).toMatchObject([
      { feed: 'traffic', outcome: 'refused', reason: 'http_422', count: 2 },
      { feed: 'traffic', outcome: 'refused', reason: 'http_409', count: 1 },
      { feed: 'traffic', outcome: 'unknown', reason: 'not_in_the_ledger_yet', count: 1 },
    ]);
    expect(groups[0]?.outlook).toMatch(/^2 are refused by the API /);
    expect(headlines[0]).toEqual(headlineOf('warning', '4 dead letters need attention.', 'dead-letters'));
  });

  it('have the same sum in the rows, the groups and the headline, whenever they were read', async () => {
    const stack = new LiveStack();
    const reader = stack.reader();
    for (let second = 0; second < 15; second++) {
      stack.add(underWay(stack, { settled: settled(100, 7 * second), settledBatches: 1 }));
      for (let record = 1; record <= 3 * second; record++) {
        stack.ledger.dead.set(`f1#${record}`, {
          ...{ fileId: 'f1', record, letterId: `l${record}`, state: 'dead', outcome: 'rejected', createdAt: 0 },
          failedMessageSentAt: 0,
          history: [{ at: 0, outcome: 'rejected', reason: 'blank', error: '', status: null }],
        });
      }
      const { files, dead_letters: groups, headlines } = await reader.look();
      const sum = groups.reduce((all, { count }) => all + count, 0);
      expect([sum, files[0]?.open_dead_letters]).toEqual([7 * second, 7 * second]);
      if (second > 0) expect(headlines.some(({ text }) => text.startsWith(`${sum} dead letter`))).toBe(true);
      await stack.clock.advance(1_000);
    }
    await close(stack, 'f1', 100, 98);
    const { closed, headlines } = await reader.look();
    expect(closed[0]?.verdict).toBe('done, with 98 dead letters');
    expect(headlines[0]?.text).toBe('98 dead letters need attention.');
  });

  it('that are resolved before the manifest is amended are named beside its verdict', async () => {
    const stack = new LiveStack();
    stack.add(underWay(stack, { settled: settled(999, 1), settledBatches: 2 }));
    await close(stack, 'f1', 999, 1);
    stack.ledger.dead.set('f1#1', {
      ...{ fileId: 'f1', record: 1, letterId: 'l1', state: 'resolved', outcome: 'rejected', createdAt: 0 },
      failedMessageSentAt: 0,
      history: [{ at: 0, outcome: 'rejected', reason: 'blank', error: '', status: null }],
    });
    const { closed } = await stack.reader().look();
    expect(closed[0]?.verdict).toBe('done, with 1 dead letter; 0 dead letters are open now');
  });

  it('of an old file are those that the ledger names, since it deletes what was resolved', async () => {
    const stack = new LiveStack();
    const createdAt = stack.clock.now() - 61 * 24 * 60 * 60_000;
    stack.add(underWay(stack, { createdAt, settled: settled(995, 5), settledBatches: 2 }));
    await close(stack, 'f1', 995, 1);
    expect((await stack.reader().look()).dead_letters).toEqual([]);
  });

  it('are reported as more than the counted ones if they are many', async () => {
    const stack = new LiveStack();
    stack.add(underWay(stack, { settled: settled(0, 6_000), totalRecords: 6_000 }));
    for (let record = 1; record <= 6_000; record++) {
      stack.ledger.dead.set(`f1#${record}`, {
        ...{ fileId: 'f1', record, letterId: `l${record}`, state: 'dead', outcome: 'rejected', createdAt: 0 },
        failedMessageSentAt: 0,
        history: [{ at: 0, outcome: 'rejected', reason: 'blank', error: '', status: null }],
      });
    }
    const snapshot = await stack.reader().look();
    expect(snapshot.dead_letters).toMatchObject([{ reason: 'blank', count: 5_000 }]);
    expect(snapshot.dead_letters_are_partial).toBe(true);
    expect(snapshot.headlines[1]?.text).toBe('More than 5,000 dead letters need attention.');
  });
});

async function close(stack: LiveStack, fileId: string, uploaded: number, openLetters = 0): Promise<void> {
  const file = stack.ledger.files.get(fileId);
  if (file && file.settled.uploaded < uploaded) file.settled = settled(uploaded, file.settled.rejected);
  const manifest = { key: `${fileId}/manifest.json`, number: 1 };
  await stack.ledger.closeFile(fileId, { state: 'completed', manifest, figures: [], openLetters });
}
