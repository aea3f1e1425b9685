import type { KeyObject } from 'node:crypto';
import { createPublicKey, verify } from 'node:crypto';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { CliError } from '../cli-error.ts';
import type { Verified } from './verified.ts';
import { DoesNotHoldError, mustHold } from './verified.ts';

/** What is signed: a manifest, or an entry of a night log. */
export interface SignedObject {
  /** How a sentence calls it. */
  named: string;
  signature: Manifest['signature'];
  /** False for a manifest of version 1, which does not name its public key's file by hash. */
  namesKeyFile: boolean;
}

export interface SignatureFiles {
  /** DER of the signature over the manifest's bytes. */
  signature?: Buffer | undefined;
  /** PEM of the key in the archive. */
  publicKey?: Buffer | undefined;
  /** PEM of the required key, known to the auditor from a source other than the archive. */
  expectedKey?: Buffer | undefined;
}

/** What comes before the two coordinates in every SubjectPublicKeyInfo of an uncompressed point on P-256 (RFC 5480). */
const p256Prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const p256DerBytes = p256Prefix.length + 64;

/** The order of P-256's base point: both numbers of a signature are below it. */
const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

/**
 * Checks an object's signature. With the key from the archive, this only shows that nothing has changed since it was
 * signed; with the auditor's own key, it shows who signed it.
 * @param bytes of the object
 * @throws DoesNotHoldError if the signature does not match
 */
export function* checkSignature(
  { named, signature, namesKeyFile }: SignedObject,
  bytes: Buffer,
  files: SignatureFiles,
): Generator<Verified> {
  if (!signature) {
    mustHold(!files.expectedKey, `${named} is unsigned`);
    mustHold(!files.signature, `${named} says that it is unsigned, but there is a signature beside it`);
    yield { sentence: `${named} is unsigned`, isNote: true };
    return;
  }
  const der = files.signature;
  // Not optional: nothing else shows who a manifest is from.
  if (!der) throw new DoesNotHoldError(`${named} is signed, but its signature is missing: ${signature.signature_key}`);
  const pem = files.publicKey ?? files.expectedKey;
  if (!pem) throw new DoesNotHoldError(`the public key of ${named} is missing: ${signature.public_key_key}`);
  if (!files.publicKey) {
    yield { sentence: `the public key of ${named} is missing: ${signature.public_key_key}`, isSkipped: true };
  }
  const key = readKey(pem);
  if (!key) throw new DoesNotHoldError(`the public key of ${named} is not a PEM file of a key on P-256`);
  if (files.publicKey && namesKeyFile) {
    mustHold(
      sha256Of(files.publicKey) === signature.public_key_pem_sha256,
      `the public key's file is not the one of ${named}`,
    );
  }
  mustHold(
    fingerprint(key) === signature.public_key_sha256,
    `the public key beside ${named} is not the one that it names`,
  );
  if (files.expectedKey) {
    const expected = readKey(files.expectedKey);
    if (!expected) throw new CliError('The given public key is not a PEM file of a key on P-256.');
    mustHold(fingerprint(expected) === fingerprint(key), `${named} is signed by another key`);
  }
  mustHold(isStrictSignature(der), `the signature of ${named} is not valid DER`);
  mustHold(verify('sha256', bytes, key, der), `the signature is not one of ${named}`);
  if (files.expectedKey) yield { sentence: `${named} is signed by the given key` };
  else {
    yield { sentence: `${named} is signed by ${signature.key_arn} (public key ${signature.public_key_sha256})` };
    yield { sentence: 'whether that is your key was not checked: --public-key', isNote: true };
  }
}

/** A P-256 key in its only valid PEM and DER form: another curve or kind of key may use the same PEM label. */
function readKey(pem: Buffer): KeyObject | undefined {
  const lines = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END PUBLIC KEY-----\n$/.exec(
    pem.toString('latin1'),
  );
  const der = Buffer.from(lines?.[1] ?? '', 'base64');
  if (der.length !== p256DerBytes || !der.subarray(0, p256Prefix.length).equals(p256Prefix)) return undefined;
  try {
    // Throws if the point is not on the curve.
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.export({ type: 'spki', format: 'pem' }) === pem.toString('latin1') ? key : undefined;
  } catch {
    return undefined;
  }
}

/** SEQUENCE of two minimal INTEGERs from 1 to the order less 1, with no trailing bytes. */
function isStrictSignature(der: Buffer): boolean {
  const [sequence, length] = der;
  if (sequence !== 0x30 || length !== der.length - 2 || der.length > 72) return false;
  const r = integerAt(der, 2);
  const s = r && integerAt(der, r.end);
  return (
    s?.end === der.length && [r?.value, s.value].every((value) => value !== undefined && value > 0n && value < order)
  );
}

function integerAt(der: Buffer, at: number): { value: bigint; end: number } | undefined {
  const [tag, length = 0] = der.subarray(at);
  const end = at + 2 + length;
  const [first = 0, second = 0] = der.subarray(at + 2, end);
  const isPadded = first === 0 && length > 1 && second < 0x80;
  if (tag !== 2 || length === 0 || end > der.length || first >= 0x80 || isPadded) return undefined;
  return { value: BigInt(`0x${der.subarray(at + 2, end).toString('hex')}`), end };
}

const fingerprint = (key: KeyObject): string => sha256Of(key.export({ type: 'spki', format: 'der' }));
