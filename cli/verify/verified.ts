/** What was looked at, in that order. */
export interface Verified {
  sentence: string;
  /** The evidence for it is not here, or the manifest doesn't name it: it was not checked, and the whole is no pass. */
  isSkipped?: boolean;
  /** Worth knowing, and in the way of no pass. */
  isNote?: boolean;
}

/** What does not hold. */
export class DoesNotHoldError extends Error {
  override readonly name = 'DoesNotHoldError';
}

/** @throws DoesNotHoldError */
export function mustHold(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new DoesNotHoldError(sentence);
}

/** How far a long reading is: receipts, each with its place in the source, or the bytes of the source alone. */
export interface VerifyProgress {
  what: 'receipts' | 'source bytes';
  done: number;
  whole: number;
}

export type OnProgress = (progress: VerifyProgress) => void;
