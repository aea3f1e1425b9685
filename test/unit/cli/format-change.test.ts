import { describe, expect, it } from 'vitest';
import { changesCommand } from '../../../cli/commands/changes.ts';
import { formatChange } from '../../../cli/show/format-change.ts';
import type { ListedChange } from '../../../lambdas/core/series/read-comparison.ts';
import { csvDialect } from '../../support/room-fixture.ts';

const plain = { style: (_: unknown, text: string) => text };
const row = (change: ListedChange['change'], more: Partial<ListedChange>): ListedChange => ({
  ...{ change, earlier_file: 'f.1', earlier_record: 4, record: 3, identity: ['S4', '06:00'] },
  ...{ before: null, after: null, note: '', ...more },
});
const text = (seconds: number, client: string) => `S4,WABC,06:00,${seconds},${client}`;

describe('a row of what a revision changes', () => {
  it('has the fields that differ, before and after', () => {
    const shown = formatChange(row('changed', { before: text(30, 'Ann'), after: text(60, 'Bob') }), csvDialect, plain);
    expect(shown).toBe('changed  S4 · 06:00\n         Duration: 30 → 60\n         ClientName: Ann → Bob\n');
  });

  it('has the whole texts if they can not be read as fields', () => {
    const shown = formatChange(row('changed', { before: 'x', after: 'y', note: 'why' }), csvDialect, plain);
    expect(shown).toBe('changed  S4 · 06:00\n         before  x\n         after   y\n         why\n');
  });

  it('has the text of a removed record, and nothing that moves the cursor', () => {
    const shown = formatChange(row('removed', { before: 'a\u001b[2Jb\nc' }), csvDialect, plain);
    expect(shown.split('\n')).toHaveLength(3);
    expect(shown).not.toContain('\u001b');
  });

  it('says how many are not listed', () => {
    const last = row('not listed', { identity: null, note: '7 more' });
    expect(formatChange(last, csvDialect, plain)).toBe('not listed  7 more\n');
  });
});

it('is printed of one kind only if that is asked for, and a wrong kind is refused', async () => {
  const command = changesCommand({} as never).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  await expect(command.parseAsync(['f.1', '--only', 'moved'], { from: 'user' })).rejects.toThrow(
    /new, changed, removed/,
  );
});
