import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Manifest } from '../../lambdas/core/manifest.ts';
import { CliError } from '../cli-error.ts';
import type { Verified } from './verify-account.ts';
import { DoesNotHoldError } from './verify-account.ts';

export interface SignatureFiles {
  /** DER of the signature over the manifest's bytes. */
  signature?: Buffer | undefined;
  /** PEM, as it lies in the archive. */
  publicKey?: Buffer | undefined;
  /** PEM of the key that it has to be, as somebody knows it who doesn't trust the archive for it. */
  expectedKey?: Buffer | undefined;
}

/**
 * Who a manifest is from. The key that lies beside it says only that nothing has changed since it was signed.
 * @param bytes of the manifest's object
 * @throws DoesNotHoldError where it isn't signed as it says
 */
export function* checkSignature(manifest: Manifest, bytes: Buffer, files: SignatureFiles): Generator<Verified> {
  const { signature, manifest_number: number, file_id: id } = manifest;
  const named = `manifest ${number} of the file ${id}`;
  if (!signature) {
    if (files.expectedKey) throw new DoesNotHoldError(`${named} is unsigned`);
    if (files.signature)
      throw new DoesNotHoldError(`${named} says that it is unsigned, and a signature lies beside it`);
    yield { sentence: `${named} is unsigned`, isSkipped: true };
    return;
  }
  const der = files.signature;
  if (!der) throw new DoesNotHoldError(`${named} is signed, and its signature is not here: ${signature.signature_key}`);
  const pem = files.publicKey ?? files.expectedKey;
  if (!pem) throw new DoesNotHoldError(`the public key of ${named} is not here: ${signature.public_key_key}`);
  const key = readKey(pem);
  // Byte by byte: what surrounds the key in its file isn't covered by anything else.
  if (!key || (files.publicKey && key.export({ type: 'spki', format: 'pem' }) !== files.publicKey.toString('latin1'))) {
    throw new DoesNotHoldError(`the public key of ${named} can't be read`);
  }
  if (fingerprint(key) !== signature.public_key_sha256) {
    throw new DoesNotHoldError(`the public key beside ${named} is not the one that it names`);
  }
  if (!verify('sha256', bytes, key, der)) throw new DoesNotHoldError(`the signature is not one of ${named}`);
  if (files.expectedKey) {
    const expected = readKey(files.expectedKey);
    if (!expected) throw new CliError('The public key that was given is no PEM of one.');
    if (fingerprint(expected) !== fingerprint(key)) throw new DoesNotHoldError(`${named} is signed by another key`);
    yield { sentence: `${named} is signed by the key that was given` };
    return;
  }
  yield { sentence: `${named} is signed by ${signature.key_arn} (public key ${signature.public_key_sha256})` };
  yield { sentence: 'whether that is your key was not looked at: --public-key', isSkipped: true };
}

function readKey(pem: Buffer): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

const fingerprint = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
