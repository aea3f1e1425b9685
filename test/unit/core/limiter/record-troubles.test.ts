import { describe, expect, it } from 'vitest';
import { RecordTroubles } from '../../../../lambdas/core/limiter/record-troubles.ts';

describe('a record whose token is refused', () => {
  it('is itself the cause if another passes that was sent afterwards', () => {
    const troubles = new RecordTroubles();
    troubles.passed('r2', 9);
    expect(troubles.isOwnRefusal('r1', 10)).toBe(false);
    expect(troubles.isOwnRefusal('r1', 11)).toBe(false);
    troubles.passed('r2', 12);
    expect(troubles.isOwnRefusal('r1', 13)).toBe(true);
  });

  it('is not the cause if the other passed with another token', () => {
    const troubles = new RecordTroubles();
    troubles.isOwnRefusal('r1', 10);
    troubles.tokenChanged(20);
    troubles.passed('r2', 15);
    expect(troubles.isOwnRefusal('r1', 21)).toBe(false);
    expect(troubles.isOwnRefusal('r1', 22)).toBe(false);
  });
});
