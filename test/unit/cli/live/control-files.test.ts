import { describe, expect, it } from 'vitest';
import { describeProgress } from '../../../../cli/drop/describe-progress.ts';
import { describeLive } from '../../../../cli/live/describe-file.ts';
import { controlFileHeadlines } from '../../../../cli/live/headlines/control-files.ts';
import { fileAccount } from '../../../support/file-account.ts';

const now = Date.UTC(2026, 0, 5, 7, 0);
const since = Date.UTC(2026, 0, 5, 6, 12);
const waiting = (fileId: string) =>
  fileAccount({
    fileId,
    state: 'splitting',
    sha256: 'ab'.repeat(32),
    heldBackUntil: now + 60_000,
    control: { state: 'waiting', kind: 'rows', name: 'WABC.csv.ctl', waitingSince: since },
  });
const live = (fileId: string) =>
  describeLive(waiting(fileId), { projection: undefined, openDead: 0, zone: 'America/New_York', now });

describe('a file that waits for its control file', () => {
  it('is shown as waiting, with the name and since when', () => {
    expect(live('f1')).toMatchObject({
      activity: 'waiting',
      projected: 'waits for its control file WABC.csv.ctl since 01:12',
      done_about: null,
    });
    const { text } = describeProgress({ file: waiting('f1'), pace: undefined, limitPerSecond: 10 });
    expect(text).toBe('waits for its control file WABC.csv.ctl since 06:12 UTC');
  });

  it('is a headline, one for all of them', () => {
    expect(controlFileHeadlines({ files: [live('f1')] })).toEqual([
      {
        ...{ kind: 'control-files', tone: 'warning', feeds: ['traffic'], file_id: 'f1' },
        text: 'f1.csv waits for its control file WABC.csv.ctl since 01:12.',
      },
    ]);
    const [both] = controlFileHeadlines({ files: [live('f1'), live('f2')] });
    expect(both).toMatchObject({ file_id: null, text: expect.stringContaining('and so does 1 more.') as string });
    expect(controlFileHeadlines({ files: [] })).toEqual([]);
  });

  it('shows no text of the name that could move a cursor', () => {
    const file = waiting('f1');
    const control = { state: 'waiting', kind: 'rows', name: 'WABC\u001b[2J.ctl' } as const;
    const { projected } = describeLive({ ...file, control }, { projection: undefined, openDead: 0, zone: 'UTC', now });
    expect(projected).not.toContain('\u001b');
  });
});
