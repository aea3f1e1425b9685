import type { ClosedFile, Headline, LiveExpected, LiveFile, Snapshot } from '../../cli/live/snapshot.ts';
import { describeLive } from '../../cli/live/describe-file.ts';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import { noCounts } from '../../lambdas/core/account/outcome.ts';
import { fileAccount } from './file-account.ts';

const now = Date.UTC(2026, 0, 5, 2, 0, 0);

/** Of an API, unless it is said to be something else. */
export const headlineOf = (tone: Headline['tone'], text: string, kind: Headline['kind'] = 'api'): Headline => ({
  ...{ kind, tone, text },
  ...ofTraffic,
});

const ofTraffic = { feeds: ['traffic'], file_id: null };

/** A file in progress, 20,000 records of which 9,612 are done and 12 dead; or with changes. */
export function liveFile(change: Partial<LiveFile> = {}, account: Partial<FileAccount> = {}): LiveFile {
  const file = fileAccount({
    fileId: 'f1',
    totalRecords: 20_000,
    totalBatches: 40,
    createdAt: now - 60_000,
    settled: { ...noCounts(), uploaded: 9_600, rejected: 8, refused: 4 },
    settledBatches: 19,
    ...account,
  });
  const told = {
    name: 'avion-2026-01-04.csv',
    done_about: '21:40',
    projected: 'done about 21:40 (in 40 min), 7 h 20 min before the deadline',
    deadline_margin_seconds: 26_400,
  };
  return { ...describeLive(file, { projection: undefined, openDead: 12, zone: 'UTC', now }), ...told, ...change };
}

export function closedFile(change: Partial<ClosedFile> = {}): ClosedFile {
  const {
    activity: _activity,
    open_dead_letters: _dead,
    checksum_share: _share,
    split_share: _split,
    ...summary
  } = liveFile();
  const { settled_share: _settled, projected: _projected, done_about: _about, ...file } = summary;
  return {
    ...file,
    file_id: 'c1',
    name: 'avion-2026-01-03.csv',
    completed: new Date(now - 3_600_000).toISOString(),
    total_records: 18_250,
    verdict: 'every record was uploaded',
    tone: 'calm',
    ...change,
  };
}

/** A file that was expected an hour ago and is not here; or with changes. */
export function expectedFile(change: Partial<LiveExpected> = {}): LiveExpected {
  return {
    ...{ feed: 'traffic', name: 'WABC', day: '2026-01-04', due: new Date(now - 3_600_000).toISOString() },
    ...{ key: 'WABC_20260105*.csv', records: 1, state: 'missing', late_by_seconds: null },
    ...{ file_id: null, file_state: null, arrived: null, found_records: null, obstacle: null },
    ...{ earlier_nights: 30, earlier_late: 2, earlier_missed: 0, history: 'late twice in the 30 nights before' },
    text: 'WABC: expected by 20:00 (1 h ago), not here yet',
    ...change,
  };
}

/** A stack with one file in progress, one closed, and dead letters for two reasons; or with changes. */
export function liveSnapshot(change: Partial<Snapshot> = {}): Snapshot {
  const files = change.files ?? [liveFile()];
  return {
    stack: 'sluice-test',
    cloud: 'http://127.0.0.1:4566',
    at: new Date(now).toISOString(),
    zone: 'America/New_York',
    headlines: [
      headlineOf(
        'busy',
        '1 file in progress; done about 21:40 (in 40 min), 7 h 20 min before the deadline.',
        'progress',
      ),
      headlineOf('warning', '12 dead letters need attention.', 'dead-letters'),
    ],
    files,
    files_under_way: files.length,
    expected_files: [],
    closed: [closedFile()],
    apis: [
      {
        id: 'avstar',
        feeds: ['traffic'],
        url: 'https://avstar.example',
        limit: { requests: 18_000, window_seconds: 60, per_second: 298 },
        policy: {
          ...{ set_by: 'deployment', deployed_requests: 18_000, since: null, until: null, by: null, why: null },
          text: '18000 requests in 60 s, as deployed',
        },
        paused: [],
        measured_per_second: 290.4,
        breaker: 'closed',
        breaker_reason: null,
        ...{ breaker_since: null, next_probe: null, http_status: null, api_answer: null },
        paused_until: null,
        leased_until: null,
      },
    ],
    queues: [
      { queue: 'intake', feed: 'traffic', lane: 'main', messages: 0, dead_messages: 0 },
      { queue: 'records', feed: 'traffic', lane: 'main', messages: 21, dead_messages: 0 },
      { queue: 'letters', feed: 'traffic', lane: 'main', messages: 0, dead_messages: 12 },
      { queue: 'intake', feed: 'traffic', lane: 'express', messages: 0, dead_messages: 0 },
      { queue: 'records', feed: 'traffic', lane: 'express', messages: 0, dead_messages: 0 },
      { queue: 'letters', feed: 'traffic', lane: 'express', messages: 0, dead_messages: 0 },
      { queue: 'finalize', feed: 'traffic', lane: null, messages: 0, dead_messages: 0 },
    ],
    dead_letters: [
      { feed: 'traffic', outcome: 'rejected', reason: 'not_an_integer', count: 8, outlook: '8 are rejected.' },
      { feed: 'traffic', outcome: 'refused', reason: 'http_422', count: 4, outlook: '4 are refused.' },
    ],
    dead_letters_are_partial: false,
    redrive_outlooks: [{ feed: 'traffic', sentences: ['4 are refused.', '8 are rejected.'] }],
    ...change,
  };
}
