import { describe, expect, it } from 'vitest';
import { feedFaults } from '../../../feeds/feed-faults.ts';
import type { AnswerDeclaration } from '../../../feeds/feed.ts';
import { traffic } from '../../../feeds/traffic.ts';

const faultsOf = (answers: AnswerDeclaration) =>
  feedFaults({ ...traffic, sink: { kind: 'http', path: '/ingest', answers } }).join(' ');

describe('what a feed declares of its API’s answers', () => {
  it('is valid in each of its forms', () => {
    expect(
      faultsOf({
        success: {
          statuses: [200, 202],
          contentTypes: ['application/problem+json'],
          field: { pointer: '/a/b', is: ['ok'], mayBeMissing: true },
        },
        conflict: [{ pointer: '', is: [null] }],
        inProgress: [{ text: 'busy' }],
        seenBefore: [{ empty: true }],
      }),
    ).toBe('');
  });

  it.each<[AnswerDeclaration, string]>([
    [{ success: { statuses: [200, 302] } }, 'has 302; each must be from 200 to 299'],
    [{ success: { contentTypes: ['application/json; charset=utf-8'] } }, 'a media type without parameters'],
    [{ success: { field: { pointer: 'status', is: ['ok'] } } }, "success.field has the pointer 'status'"],
    [{ success: { field: { pointer: '/status', is: [] } } }, 'success.field has no value for /status'],
    [{ conflict: [{ pointer: 'code', is: [1] }] }, "conflict has the pointer 'code'"],
    [{ seenBefore: [{ text: ' ' }] }, 'seenBefore has a text that is blank'],
  ])('%j is refused at synth', (answers, fault) => {
    expect(faultsOf(answers)).toContain(fault);
  });
});
