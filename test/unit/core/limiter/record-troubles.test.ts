import { describe, expect, it } from 'vitest';
import { passesBetweenThrottles, RecordTroubles } from '../../../../lambdas/core/limiter/record-troubles.ts';

describe('a record that is answered 429', () => {
  const pass = (troubles: RecordTroubles, times = passesBetweenThrottles) => {
    for (let nth = 0; nth < times; nth++) troubles.passed('another', 1);
  };

  it('is its own trouble once others have passed between four of them', () => {
    const troubles = new RecordTroubles();
    const found = [1, 2, 3, 4].map(() => {
      pass(troubles);
      return troubles.isOwnThrottle('r1', false);
    });
    expect(found).toEqual([false, false, false, true]);
    expect(troubles.isBlamed('r1')).toBe(true);
    troubles.passed('r1', 1);
    expect(troubles.isBlamed('r1')).toBe(false);
  });

  it('is none where others are answered so as well, or have not passed meanwhile', () => {
    const limited = new RecordTroubles();
    for (let nth = 0; nth < 20; nth++) {
      pass(limited);
      expect(limited.isOwnThrottle('r1', false)).toBe(false);
      limited.isOwnThrottle(`another ${nth}`, false);
    }
    const silent = new RecordTroubles();
    for (let nth = 0; nth < 20; nth++) expect(silent.isOwnThrottle('r1', false)).toBe(false);
  });
});

describe('a record whose token is turned down', () => {
  it('is its own trouble where another passes that was sent afterwards', () => {
    const troubles = new RecordTroubles();
    troubles.passed('r2', 9);
    expect(troubles.isOwnRefusal('r1', 10)).toBe(false);
    expect(troubles.isOwnRefusal('r1', 11)).toBe(false);
    troubles.passed('r2', 12);
    expect(troubles.isOwnRefusal('r1', 13)).toBe(true);
  });

  it('is none where the other passed with another token', () => {
    const troubles = new RecordTroubles();
    troubles.isOwnRefusal('r1', 10);
    troubles.tokenChanged(20);
    troubles.passed('r2', 15);
    expect(troubles.isOwnRefusal('r1', 21)).toBe(false);
    expect(troubles.isOwnRefusal('r1', 22)).toBe(false);
  });
});
