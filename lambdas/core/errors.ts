/** The object under a key is no longer the one that was pinned, or is gone. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
}

/** Another owner has the lease: whoever gets this stops, and acknowledges nothing. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** What arrived contradicts what was sent or stored: a defect, not an input. The message goes the way to its DLQ. */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
}
