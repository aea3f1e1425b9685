/** The checks, in order. */
export interface Verified {
  sentence: string;
  /** Not checked, because the evidence is missing or the manifest does not name it; the verification does not pass. */
  isSkipped?: boolean;
  /** Worth knowing; does not prevent a pass. */
  isNote?: boolean;
}

/** A check that fails. */
export class DoesNotHoldError extends Error {
  override readonly name = 'DoesNotHoldError';
}

/** @throws DoesNotHoldError */
export function mustHold(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new DoesNotHoldError(sentence);
}

/** Progress of a long verification: receipts, each with its position in the source, or only the source's bytes. */
export interface VerifyProgress {
  what: 'receipts' | 'source bytes';
  done: number;
  whole: number;
}

export type OnProgress = (progress: VerifyProgress) => void;
