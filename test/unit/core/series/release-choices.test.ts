import { expect, it } from 'vitest';
import type { HeldRevision } from '../../../../lambdas/core/series/release-choices.ts';
import { heldRevisionOf, releaseChoices } from '../../../../lambdas/core/series/release-choices.ts';
import { fileAccount } from '../../../support/file-account.ts';

const counts = { unchanged: 59_985, changed: 12, added: 2, removed: 3 };
const textsOf = (held: HeldRevision) =>
  Object.fromEntries(releaseChoices(held).map(({ sends, sent, then }) => [sends, `${sent} ${then}`]));

it('the answers to a compared revision have its counts, and what an API with and without a key of its own then has', () => {
  expect(textsOf({ code: 'revision_differs', counts })).toEqual({
    changes:
      'Its 2 new and 12 changed records are sent. An API that replaces a record by a key of its own then has the records of ' +
      'this file; any other API has the 12 changed twice, as before and as now. The 3 removed records stay there until a ' +
      'person removes them.',
    all:
      'All 59,999 valid records are sent, also the 59,985 that the API has as they are. An API that replaces a record by a ' +
      'key of its own then has the records of this file; any other API has 59,997 of them twice. The 3 removed records stay ' +
      'there until a person removes them.',
  });
});

it('with an API that supersedes entries, none is there twice', () => {
  const { changes, all } = textsOf({ code: 'revision_differs', counts, supersedes: true });
  expect(changes).toContain('each changed one takes the place of its earlier entry');
  expect(all).toContain('each names the entry that it supersedes');
  expect(`${changes} ${all}`).not.toContain('twice');
});

it('a revision that only lacks records sends nothing with the first answer', () => {
  const only = { unchanged: 10, changed: 0, added: 0, removed: 1 };
  expect(textsOf({ code: 'revision_differs', counts: only })['changes']).toBe(
    'Nothing is sent: no record is new or changed. The API then has the records of this file. The removed record stays there ' +
      'until a person removes it.',
  );
});

it('a revision that can not be compared is sent whole or not at all', () => {
  const stop = { at: 0, rejected: 0, seen: 0, message: '' };
  const held = heldRevisionOf(fileAccount({ quarantine: { ...stop, code: 'revision_unknown' } }));
  expect(held && Object.keys(textsOf(held))).toEqual(['all']);
  const revision = { bases: [], counts };
  const again = heldRevisionOf(fileAccount({ quarantine: { ...stop, code: 'rules_changed' }, revision }));
  // What is left of it is compared by other rules: its counts say nothing of that.
  expect(again && JSON.stringify(textsOf(again))).not.toContain('12');
  const cancelled = { ...stop, code: 'cancelled' as const };
  expect(heldRevisionOf(fileAccount({ quarantine: cancelled, revision }))).toBeUndefined();
  expect(heldRevisionOf(fileAccount({ quarantine: { ...cancelled, isRevision: true }, revision }))?.counts).toBe(
    counts,
  );
});
