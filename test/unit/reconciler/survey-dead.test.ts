import { describe, expect, it } from 'vitest';
import { maxSourceColumns } from '../../../lambdas/core/dead-letters/csv-columns.ts';
import { describeSurvey } from '../../../lambdas/reconciler/describe-survey.ts';
import { notifyDesk } from '../../../lambdas/reconciler/notify-desk.ts';
import { surveyDead } from '../../../lambdas/reconciler/survey-dead.ts';
import { parseCsv } from '../../../cli/reingest/parse-csv.ts';
import { claimsOf, tyingColumns } from '../../../cli/reingest/claims.ts';
import type { DeadFile } from '../../support/dead-feed.ts';
import { deadFeed, jsonLines } from '../../support/dead-feed.ts';
import { silentLog } from '../../support/in-memory-ports.ts';

/** Every record has its own names and reason; some are nested too deeply, or have the maximum length. */
const hostile: DeadFile = {
  fileId: 'a'.repeat(24),
  dialect: jsonLines,
  records: 1_200,
  record: (number) => {
    const reason = `reason ${number} ${'r'.repeat(300)}`;
    const error = `\u001b[31m${'e'.repeat(5_000)}`;
    if (number % 100 === 0) return { reason, error, raw_payload: `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}` };
    if (number % 100 === 50)
      return { reason, error, raw_payload: JSON.stringify({ SpotID: `=${'x'.repeat(60_000)}` }) };
    const names = Array.from({ length: 9 }, (_, index) => [`field ${number * 9 + index}`, '=1'] as const);
    return { reason, error, raw_payload: JSON.stringify({ ...Object.fromEntries(names), SpotID: `S${number}` }) };
  },
};
const ordinary: DeadFile = {
  fileId: 'b'.repeat(24),
  dialect: jsonLines,
  records: 3,
  record: (number) => ({ raw_payload: JSON.stringify({ SpotID: `S${number}`, Duration: '30s' }) }),
};
const feed = deadFeed([hostile, ordinary]);
const all = hostile.records + ordinary.records;

describe('a feed whose records have unbounded names, depths, lengths and reasons', () => {
  it('has a survey of bounded size, and exact counts', async () => {
    const survey = await surveyDead('traffic', feed);
    expect(survey).toMatchObject({ count: all, fileCount: 2 });
    expect(survey.columns.length).toBeLessThanOrEqual(maxSourceColumns);
    expect(survey.columns).toEqual(expect.arrayContaining(['SpotID', 'Duration']));
    const [newest, other] = survey.newest;
    expect(newest?.reasons.get('blank')?.count).toBe(3);
    const told = [...(other?.reasons.values() ?? [])].reduce((sum, { count }) => sum + count, 0);
    expect(told + (other?.otherCount ?? 0)).toBe(hostile.records);
    expect(other?.reasons.size).toBe(50);
    expect(JSON.stringify([...(other?.reasons ?? [])]).length).toBeLessThan(50 * 400);
  });

  it('has a message of a few kilobytes', async () => {
    const news = { feed: 'traffic', stackName: 's', work: [], before: undefined, archiveBucket: 'a', csvKey: 'k' };
    const { text } = describeSurvey({ ...news, survey: await surveyDead('traffic', feed) });
    expect(text.length).toBeLessThan(10_000);
    expect(text).toContain('… and 1,192 records for other reasons');
    expect(text).not.toContain('\u001b');
  });

  it('has a list with every record, whose columns are bounded, and which can be submitted again', async () => {
    const pieces: Buffer[] = [];
    const survey = await surveyDead('traffic', feed);
    await notifyDesk('traffic', survey, { work: [], oldestSentAt: new Map() }, false, {
      ...feed,
      ledger: { ...feed.ledger, getDeskState: async () => undefined, saveDeskState: async () => undefined },
      archive: {
        ...feed.archive,
        putStream: async (_, body) => {
          for await (const piece of body) pieces.push(piece as Buffer);
        },
      },
      archiveBucket: 'a',
      stackName: 's',
      desk: { notify: async () => undefined },
      metricsOf: () => ({ add: () => undefined, flush: () => undefined }),
      clock: { now: () => 0, sleep: async () => undefined },
      log: silentLog,
    });
    // A piece ends with the row that makes it long enough.
    for (const piece of pieces) expect(piece.length).toBeLessThan(600_000);
    const csv = parseCsv(Buffer.concat(pieces), tyingColumns);
    expect(csv.columns.length).toBeLessThan(maxSourceColumns + 30);
    expect(csv.rows).toHaveLength(all);
    for (const { cells } of csv.rows) for (const cell of cells) expect(cell.length).toBeLessThanOrEqual(32_767);
    const claims = claimsOf(csv);
    const [first] = claims.get(hostile.fileId) ?? [];
    expect(Object.fromEntries(first?.cells ?? [])).toMatchObject({ SpotID: 'S1', 'field 9': '=1', 'field 17': '=1' });
  });
});
