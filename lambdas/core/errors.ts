import type { Compression } from './account/file-account.ts';

/** The object under a key is no longer the one that was pinned, or is gone. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
}

/** The file can't be decompressed, or must not be. */
export class CompressedContentError extends Error {
  override readonly name = 'CompressedContentError';
  /** A machine-readable code, as in a manifest's `failure`. */
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

/** Another owner has the lease: the caller stops and acknowledges nothing. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** An upload in parts was aborted or completed, or its parts are not those that are expected. */
export class UploadGoneError extends Error {
  override readonly name = 'UploadGoneError';
}

/**
 * A message or an item contradicts what was sent or stored: a defect, not an invalid input. The message ends in its DLQ.
 */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
}

/**
 * A message that Sluice did not send, or that was changed since. It is not processed; it ends in its DLQ, where a person
 * finds it.
 */
export class AlteredMessageError extends Error {
  override readonly name = 'AlteredMessageError';
}

/** AWS did not do what was asked, and reported it in an answer instead of an SDK error. */
export class AwsFaultError extends Error {
  override readonly name = 'AwsFaultError';
  /** AWS's own code. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Written by a later version of Sluice that was rolled back since: kept until that version is deployed again. */
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

/** The secret with an API's token cannot be read, or does not hold a token. The message never has any of its value. */
export class UnusableSecretError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnusableSecretError';
  }
}
