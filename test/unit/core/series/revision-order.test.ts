import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RevisionPlace } from '../../../../lambdas/core/series/revision-order.ts';
import { compareRevisions } from '../../../../lambdas/core/series/revision-order.ts';

const at = (place: Partial<RevisionPlace>): RevisionPlace => ({ modifiedAt: 1000, key: 'log.csv', ...place });

describe('the order of revisions', () => {
  it('follows the number in the name, even if the file was stored earlier', () => {
    expect(compareRevisions(at({ number: 2, modifiedAt: 1 }), at({ number: 10, modifiedAt: 0 }))).toBe('older');
  });

  it('follows the time at which S3 stored the file, without a number or with the same number', () => {
    expect(compareRevisions(at({ modifiedAt: 2000 }), at({ modifiedAt: 1000 }))).toBe('newer');
    expect(compareRevisions(at({ number: 1, modifiedAt: 1000 }), at({ number: 1, modifiedAt: 2000 }))).toBe('older');
  });

  it("follows S3's sequencer within a key, whatever its length", () => {
    expect(compareRevisions(at({ sequencer: '0055AED6DCD90281E5' }), at({ sequencer: '0055AED6DCD90281E6' }))).toBe(
      'older',
    );
    expect(compareRevisions(at({ sequencer: '00b' }), at({ sequencer: '00AF' }))).toBe('newer');
  });

  it('is a tie between two keys of the same time, or without a sequencer', () => {
    expect(compareRevisions(at({ sequencer: '1' }), at({ sequencer: '2', key: 'other.csv' }))).toBe('tie');
    expect(compareRevisions(at({}), at({ sequencer: '2' }))).toBe('tie');
    expect(compareRevisions(at({ sequencer: 'a0' }), at({ sequencer: 'A' }))).toBe('tie');
  });

  it('is reversed if the two are exchanged', () => {
    const place = fc.record(
      {
        number: fc.nat({ max: 2 }),
        modifiedAt: fc.nat({ max: 2 }),
        key: fc.constantFrom('a', 'b'),
        sequencer: fc.constantFrom('1', '1a', '1A0', '2'),
      },
      { requiredKeys: ['modifiedAt', 'key'] },
    );
    const opposite = { older: 'newer', newer: 'older', tie: 'tie' };
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(compareRevisions(b, a)).toBe(opposite[compareRevisions(a, b)]);
      }),
    );
  });
});
