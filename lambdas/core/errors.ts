import type { Compression } from './account/file-account.ts';

/** The object under a key is no longer the one that was pinned, or is gone. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
}

/** The file can't be decompressed, or is not to be. */
export class CompressedContentError extends Error {
  override readonly name = 'CompressedContentError';
  /** A word for machines, as in a manifest's `failure`. */
  readonly code:
    | `${Compression}_${'truncated' | 'corrupt' | 'too_large' | 'bomb'}`
    | 'utf16_too_large'
    | `zip_${'empty' | 'members' | 'encrypted' | 'method'}`
    | 'excel'
    | 'office';

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

/**
 * A message that Sluice did not send, or that was changed since. Nothing of it is done; it goes the way to its DLQ, where a
 * person finds it.
 */
export class AlteredMessageError extends Error {
  override readonly name = 'AlteredMessageError';
}

/** AWS did not do what it was asked for, and says so in an answer rather than by an error of the SDK's. */
export class AwsFaultError extends Error {
  override readonly name = 'AwsFaultError';
  /** AWS's own word for it. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Written by a later version of Sluice, which was rolled back since: kept for when it is deployed again. */
export class NewerVersionError extends Error {
  override readonly name = 'NewerVersionError';

  constructor(what: 'message' | 'item', found: number, known: number) {
    super(
      what === 'message'
        ? `The message is of version ${found}, and this version of Sluice understands up to ${known}. It goes back to its queue, ` +
            'and eventually to the DLQ: redrive it from there after the version that sent it is deployed again.'
        : `The ledger's item is of version ${found}, and this version of Sluice understands up to ${known}: deploy the version ` +
            'that wrote it again. The message goes back to its queue, and eventually to the DLQ; nothing is lost.',
    );
  }
}
