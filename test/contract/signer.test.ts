import { createHash, createPublicKey, verify } from 'node:crypto';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { describe, expect, inject, it } from 'vitest';
import { KmsSigner } from '../../lambdas/adapters/kms-signer.ts';
import type { Signer } from '../../lambdas/ports.ts';
import { localSigner } from '../support/local-signer.ts';

const client = () => new KMSClient(inject('cloud').client);

async function kmsSigner(spec: 'ECC_NIST_P256' | 'ECC_NIST_P384'): Promise<KmsSigner> {
  const { KeyMetadata } = await client().send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
  return new KmsSigner(client(), KeyMetadata?.Arn ?? '');
}

/** One suite for the real key and the fake one. */
describe.each<[string, () => Promise<Signer>]>([
  ['on this machine', async () => localSigner()],
  ['in KMS', () => kmsSigner('ECC_NIST_P256')],
])('a signer %s', (_, create) => {
  it('signs messages of any size so that its public key verifies them', async () => {
    const signer = await create();
    const key = createPublicKey((await signer.publicKey()).pem);
    for (const message of [Buffer.alloc(0), Buffer.from('manifest'), Buffer.alloc(1_000_000, 'x')]) {
      const signature = await signer.sign(message);
      expect(verify('sha256', message, key, signature)).toBe(true);
      expect(verify('sha256', Buffer.concat([message, Buffer.from('x')]), key, signature)).toBe(false);
    }
  });

  it('names its key by the SHA-256 of its SubjectPublicKeyInfo', async () => {
    const { arn, pem, sha256 } = await (await create()).publicKey();
    const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    expect(sha256).toBe(createHash('sha256').update(der).digest('hex'));
    expect(arn).toMatch(/^arn:aws:kms:.*:key\//);
  });
});

it('a key on another curve is refused, by its name', async () => {
  const signer = await kmsSigner('ECC_NIST_P384');
  await expect(signer.publicKey()).rejects.toThrow(/ECC_NIST_P384.*must be ECC_NIST_P256/);
});
