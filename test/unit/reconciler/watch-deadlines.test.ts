import { beforeEach, describe, expect, it } from 'vitest';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../../lambdas/core/account/outcome.ts';
import type { WatchDeadlinesPorts } from '../../../lambdas/reconciler/watch-deadlines.ts';
import { watchDeadlines } from '../../../lambdas/reconciler/watch-deadlines.ts';
import { fileAccount } from '../../support/file-account.ts';
import type { MemoryLedger } from '../../support/memory-ledger.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { InMemoryLimiterStore } from '../../support/in-memory-limiter-store.ts';
import { silentLog } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

/** The clock begins at 02:00 UTC, 21:00 in New York: eight hours before the deadline, 286,500 records at 9.95 a second. */
const deadline = { hour: 5, minute: 0, timeZone: 'America/New_York' };
const limit = { requests: 600, windowSeconds: 60 };

let clock: SimulatedClock;
let ledger: MemoryLedger;
let limiter: InMemoryLimiterStore;
let told: { subject: string; text: string }[];
let metrics: { feed: string; name: string; value: number }[];
let ports: WatchDeadlinesPorts;

beforeEach(() => {
  clock = new SimulatedClock();
  ledger = openMemoryLedger(clock);
  limiter = new InMemoryLimiterStore();
  told = [];
  metrics = [];
  ports = {
    ledger,
    limiterOf: () => limiter,
    feed: { feed: 'traffic', api: 'avstar', limit, deadline },
    sharing: [],
    stackName: 'sluice-test',
    desk: { notify: async (subject, text) => void told.push({ subject, text }) },
    metricsOf: (feed) => ({ add: (name, value) => void metrics.push({ feed, name, value }), flush: () => undefined }),
    clock,
    log: silentLog,
  };
});

function put(totalRecords: number, change: Partial<FileAccount> = {}): FileAccount {
  const file = fileAccount({ createdAt: clock.now() - 1_000, totalRecords, ...change });
  ledger.files.set(file.fileId, file);
  return ledger.files.get(file.fileId) as FileAccount;
}

describe('the watch over deadlines', () => {
  it('measures the margin of the file that has the least, while files are open', async () => {
    await watchDeadlines(ports);
    expect(metrics).toEqual([]);
    put(1_000, { fileId: 'first' });
    put(36_000, { fileId: 'last' });
    await watchDeadlines(ports);
    expect(metrics).toHaveLength(1);
    expect(metrics[0]).toMatchObject({ feed: 'traffic', name: 'DeadlineMarginSeconds' });
    expect(metrics[0]?.value).toBeCloseTo(8 * 3600 - 37_000 / 9.95, -2);
    expect(told).toEqual([]);
  });

  it('notifies the desk once, hours before, of how much is late and what would help', async () => {
    put(1_000, { fileId: 'in-time' });
    put(358_200, { fileId: 'too-long' });
    await watchDeadlines(ports);
    expect(metrics[0]?.value).toBeLessThan(-7_000);
    expect(told).toHaveLength(1);
    expect(told[0]?.subject).toBe('Sluice traffic: LATE by 2 h 2 min for the deadline');
    const text = told[0]?.text ?? '';
    expect(text).toContain(
      "1 file of the feed 'traffic' will not be done by 5 Jan 05:00 (America/New_York): late by 2 h 2 min",
    );
    expect(text).toContain('file too-long: 358,200 records left, done at the earliest 5 Jan 07:01');
    expect(text).not.toContain('in-time');
    expect(text).toContain('359,200 records must be sent');
    expect(text).toContain('They can be sent at 10 a second at most; 12.5 a second would be needed.');
    expect(text).toMatch(/Of these files, 72,[67]\d\d records will miss the deadline\./);
    expect(text).toContain(
      'allow 753 requests in 60 s, where it allows\n  600; then deploy with SLUICE_TRAFFIC_REQUESTS',
    );
    await clock.advance(900_000);
    await watchDeadlines(ports);
    expect(told).toHaveLength(1);
    expect(metrics).toHaveLength(2);
  });

  it('notifies again when it gets much worse, and of another deadline', async () => {
    put(300_000, { fileId: 'a' });
    await watchDeadlines(ports);
    put(5_000, { fileId: 'b' });
    await watchDeadlines(ports);
    expect(told).toHaveLength(1);
    put(40_000, { fileId: 'c' });
    await watchDeadlines(ports);
    expect(told).toHaveLength(2);
    await clock.advance(9 * 3_600_000);
    await watchDeadlines(ports);
    expect(told).toHaveLength(3);
    put(900_000, { fileId: 'd' });
    await watchDeadlines(ports);
    expect(told).toHaveLength(4);
    expect(told[3]?.text).toContain('were due by 05:00 (America/New_York) and are not');
    expect(told[3]?.text).toContain('will not be done by 6 Jan 05:00');
  });

  it('does not alternate with the projection: it notifies again only after there was time to spare', async () => {
    const file = put(287_000);
    await watchDeadlines(ports);
    expect(told).toHaveLength(1);
    file.totalRecords = 286_000;
    await watchDeadlines(ports);
    file.totalRecords = 287_000;
    await watchDeadlines(ports);
    expect(told).toHaveLength(1);
    file.totalRecords = 200_000;
    await watchDeadlines(ports);
    file.totalRecords = 287_000;
    await watchDeadlines(ports);
    expect(told).toHaveLength(2);
  });

  it('reports that nothing is sent while the breaker is open', async () => {
    const openedAt = clock.now() - 600_000;
    const answer = { answerStatus: 401, answer: 'token expired' };
    limiter.item = { breaker: 'open', reason: 'unauthorised', openedAt, openUntil: clock.now() + 60_000, ...answer };
    put(300_000);
    await watchDeadlines(ports);
    expect(told[0]?.text).toContain(
      'Nothing is sent to the API since 20:50 (10 min ago): it refuses the token: 401 "token expired". ' +
        'The next probe is due at 21:01 (in 1 min).',
    );
  });

  it('uses the rate of an API that is slower than its limit, and suggests no higher limit', async () => {
    put(150_000);
    await watchDeadlines(ports);
    expect(told).toEqual([]);
    const at = clock.now();
    limiter.item = {
      tat: at,
      passes: 1_100,
      markedAt: at - 500,
      markedPasses: 1_100,
      priorAt: at - 20_000,
      priorPasses: 1_000,
    };
    ledger.files.set('f1', { ...put(150_000), createdAt: at - 60_000 });
    await watchDeadlines(ports);
    expect(metrics.at(-1)?.value).toBe(8 * 3600 - 150_000 / 5);
    expect(told[0]?.text).toContain('150,000 records left, done about 5 Jan 05:20');
    expect(told[0]?.text).toContain('They are sent at 5 a second');
    expect(told[0]?.text).toContain('a higher limit would not help');
  });

  it('includes the backlog of other feeds of the API, and reports nothing for those', async () => {
    ports.sharing = ['other'];
    put(200_000, { fileId: 'x', feed: 'other', createdAt: clock.now() - 5_000 });
    put(900_000, { fileId: 'y', feed: 'elsewhere' });
    put(100_000, { fileId: 'z' });
    await watchDeadlines(ports);
    expect(metrics.map(({ feed }) => feed)).toEqual(['traffic']);
    expect(told).toHaveLength(1);
    expect(told[0]?.text).toContain('file z: 100,000 records left');
    expect(told[0]?.text).not.toContain('file x');
  });

  it('uses what was settled if there is no limit, and reports when nothing was', async () => {
    ports.feed = { feed: 'traffic', api: 'record-ledger/traffic', deadline };
    const file = put(10_000, { createdAt: clock.now() - 3_600_000 });
    await watchDeadlines(ports);
    expect({ metrics, told }).toEqual({ metrics: [], told: [] });
    file.settled = { ...noCounts(), uploaded: 1_000 };
    await watchDeadlines(ports);
    expect(metrics[0]?.value).toBe(-3_600);
    expect(told[0]?.text).toContain('They are sent at 0.28 a second; 0.31 a second would be needed.');
    expect(told[0]?.text).not.toContain('higher limit');
  });
});
