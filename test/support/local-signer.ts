import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Signer } from '../../lambdas/ports.ts';

/** A key as KMS has them, on this machine. @param arn what manifests call it */
export function localSigner(arn = 'arn:aws:kms:us-east-1:000000000000:key/test'): Signer & { pem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    pem,
    publicKey: async () => ({ arn, pem, sha256: createHash('sha256').update(der).digest('hex') }),
    sign: async (message) => sign('sha256', message, privateKey),
  };
}
