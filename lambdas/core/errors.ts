/** The object under a key is no longer the one that was pinned, or is gone. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
}

/** The file can't be decompressed, or is not to be. */
export class CompressedContentError extends Error {
  override readonly name = 'CompressedContentError';
  /** A word for machines, as in a manifest's `failure`. */
  readonly code: 'gzip_truncated' | 'gzip_corrupt' | 'gzip_too_large' | 'gzip_bomb';

  constructor(code: CompressedContentError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Another owner has the lease: whoever gets this stops, and acknowledges nothing. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** What arrived contradicts what was sent or stored: a defect, not an input. The message goes the way to its DLQ. */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
}
