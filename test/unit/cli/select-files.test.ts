import { describe, expect, it } from 'vitest';
import type { FileAccount, FileState } from '../../../lambdas/core/account/file-account.ts';
import type { FileQuery } from '../../../cli/status/select-files.ts';
import { parseSince, parseStates, selectClosed } from '../../../cli/status/select-files.ts';
import { listPkOf, listSkOf } from '../../../lambdas/core/ledger/ledger-keys.ts';
import { fileAccount } from '../../support/file-account.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';

type List = 'open' | 'closed' | 'dead';

/** A ledger with a file per entry, each a second later than the previous one. */
function ledgerOf(files: readonly [feed: string, list: List, state?: FileState][]) {
  const ledger = openMemoryLedger({ now: () => 0 });
  const accounts = files.map(([feed, list, state = list === 'open' ? 'split' : 'completed'], index) => {
    const file = fileAccount({ fileId: `${feed}.${index}`, feed, state, createdAt: index * 1_000 });
    const key = { pk: `FILE#${file.fileId}`, sk: 'FILE' };
    ledger.store.plant({ ...key, ...file, listPk: listPkOf(list, feed), listSk: listSkOf(file) }, key);
    return file;
  });
  return { ledger, accounts };
}

const idsOf = (files: readonly FileAccount[]): string[] => files.map(({ fileId }) => fileId);
const all: FileQuery = { feeds: ['a', 'b'], limit: 100 };

const none: ReadonlySet<string> = new Set();

describe('the finished files that status shows', () => {
  const { ledger, accounts } = ledgerOf([
    ['a', 'closed'],
    ['b', 'dead'],
    ['a', 'dead', 'quarantined'],
    ['a', 'open'],
    ['b', 'closed', 'failed'],
    ['a', 'closed'],
    ['b', 'open', 'splitting'],
  ]);

  it('are the newest first, across all feeds and both kinds of closed files', async () => {
    const { closed, next } = await selectClosed(all, none, ledger);
    expect(idsOf(closed)).toEqual(['a.5', 'b.4', 'a.2', 'b.1', 'a.0']);
    expect(next).toBeUndefined();
  });

  it('are not also shown as open if one was closed in between', async () => {
    const { closed } = await selectClosed({ ...all, limit: 2 }, new Set(['a.5']), ledger);
    expect(idsOf(closed)).toEqual(['b.4', 'a.2']);
  });

  it.each<[string, Partial<FileQuery>, string[]]>([
    ['of one feed', { feeds: ['b'] }, ['b.4', 'b.1']],
    ['of some states', { states: ['failed', 'quarantined'] }, ['b.4', 'a.2']],
    ['since a time', { sinceMs: 4_000 }, ['a.5', 'b.4']],
    ['of a state since a time', { states: ['completed'], sinceMs: 1_000 }, ['a.5', 'b.1']],
  ])('are those %s', async (_, query, ids) => {
    expect(idsOf((await selectClosed({ ...all, ...query }, none, ledger)).closed)).toEqual(ids);
  });

  it('come in pages, each file once', async () => {
    const pages: string[][] = [];
    let after: FileAccount | undefined;
    do {
      const { closed, next } = await selectClosed({ ...all, limit: 2, after }, none, ledger);
      pages.push(idsOf(closed));
      after = next;
    } while (after);
    expect(pages).toEqual([['a.5', 'b.4'], ['a.2', 'b.1'], ['a.0']]);
    expect((await selectClosed({ ...all, after: accounts[0] }, none, ledger)).closed).toEqual([]);
  });

  it('come in pages beyond what one read of the ledger returns', async () => {
    const many = ledgerOf(Array.from({ length: 230 }, (_, n) => ['a', n % 3 === 0 ? 'dead' : 'closed']));
    const { closed, next } = await selectClosed({ feeds: ['a'], limit: 205 }, none, many.ledger);
    expect(idsOf(closed)).toEqual(Array.from({ length: 205 }, (_, n) => `a.${229 - n}`));
    const rest = await selectClosed({ feeds: ['a'], limit: 205, after: next }, none, many.ledger);
    expect(idsOf(rest.closed)).toEqual(Array.from({ length: 25 }, (_, n) => `a.${24 - n}`));
  });
});

describe('--since', () => {
  const now = Date.parse('2026-11-28T12:00:00Z');
  it.each([
    ['2026-11-28', '2026-11-28T00:00:00Z'],
    ['2026-11-28T02:00Z', '2026-11-28T02:00:00Z'],
    ['2026-11-28T02:00', '2026-11-28T02:00:00Z'],
    ['2026-11-28 02:00:30', '2026-11-28T02:00:30Z'],
    ['2026-11-28T02:00-05:00', '2026-11-28T07:00:00Z'],
    ['90m', '2026-11-28T10:30:00Z'],
    ['12h', '2026-11-28T00:00:00Z'],
    ['3d', '2026-11-25T12:00:00Z'],
    ['2w', '2026-11-14T12:00:00Z'],
  ])('accepts %s', (text, time) => {
    expect(new Date(parseSince(text, now)).toISOString()).toBe(new Date(time).toISOString());
  });

  it.each(['', 'yesterday', '3', '12 h', '-3d', '2026-13-40', '12'])('refuses %j', (text) => {
    expect(() => parseSince(text, now)).toThrow('It must be a time');
  });
});

it('accepts states separated by commas, and names the valid ones otherwise', () => {
  expect(parseStates('failed, quarantined')).toEqual(['failed', 'quarantined']);
  expect(() => parseStates('failed,broken')).toThrow(/no state 'broken'\. States: splitting, split, completed/);
});
