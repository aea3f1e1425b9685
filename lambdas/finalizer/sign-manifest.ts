import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { Manifest } from '../core/account/manifest.ts';
import type { Archive, Signer } from '../ports.ts';
import { mustHaveSha256 } from '../archived-sha256.ts';

export interface SigningPorts {
  archive: Pick<Archive, 'has' | 'putOnce' | 'getStream'>;
  /** Absent if the stack has no key: manifests are then unsigned, and say so. */
  signer?: Signer | undefined;
}

/**
 * What a manifest, or an entry of the night log, says about its signature before it is signed. Also stores the public key in
 * the archive.
 */
export async function announceSignature(
  number: number,
  keys: Pick<ArchiveKeys, 'publicKey' | 'signature'>,
  { archive, signer }: SigningPorts,
): Promise<Manifest['signature']> {
  if (!signer) return null;
  const { arn, pem, sha256 } = await signer.publicKey();
  const key = keys.publicKey(sha256);
  const pemSha256 = sha256Of(pem);
  const isStored = (await archive.putOnce(key, pem, 'application/x-pem-file')) === 'stored';
  if (!isStored) await mustHaveSha256(key, pemSha256, archive);
  return {
    algorithm: 'ECDSA_SHA_256',
    key_arn: arn,
    public_key_sha256: sha256,
    public_key_key: key,
    public_key_pem_sha256: pemSha256,
    signature_key: keys.signature(number),
  };
}

/**
 * Signs a manifest in the archive, unless it is signed; it may have been stored by a finalizer that was killed before
 * signing. False if it names a key that isn't ours (any more) and is unsigned: it can't become valid.
 */
export async function signManifest(
  text: string,
  { signature }: Pick<Manifest, 'signature'>,
  { archive, signer }: SigningPorts,
): Promise<boolean> {
  if (!signature || (await archive.has(signature.signature_key))) return true;
  const key = await signer?.publicKey();
  if (!signer || key?.sha256 !== signature.public_key_sha256) return false;
  const bytes = await signer.sign(Buffer.from(text));
  // Another finalizer's signature is just as valid: ECDSA signatures over the same bytes differ.
  await archive.putOnce(signature.signature_key, bytes, 'application/octet-stream');
  return true;
}
