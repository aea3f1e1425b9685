import { createPublicKey, verify } from 'node:crypto';
import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { archiveKeysOf } from '../../../lambdas/core/account/archive-keys.ts';
import type { Manifest } from '../../../lambdas/core/account/manifest.ts';
import type { SigningPorts } from '../../../lambdas/finalizer/sign-manifest.ts';
import { announceSignature, signManifest } from '../../../lambdas/finalizer/sign-manifest.ts';
import { localSigner } from '../../support/local-signer.ts';

const keys = archiveKeysOf({ feed: 'traffic', fileId: 'f', createdAt: 0, source: { key: 'traffic/log.csv' } });
const signer = localSigner();
let archived: Map<string, string | Buffer>;
let ports: SigningPorts;

beforeEach(() => {
  archived = new Map();
  ports = {
    signer,
    archive: {
      has: async (key) => archived.has(key),
      getStream: async (key) => (archived.has(key) ? Readable.from([archived.get(key)]) : undefined),
      putOnce: async (key, body) => (archived.has(key) ? 'exists' : (archived.set(key, body), 'stored')),
    },
  };
});

const manifestOf = async (): Promise<Manifest> =>
  ({ manifest_number: 1, signature: await announceSignature(1, keys, ports) }) as Manifest;
const signature = (): Buffer => archived.get(keys.signature(1)) as Buffer;

it('signs nothing without a key', async () => {
  ports.signer = undefined;
  const manifest = await manifestOf();
  expect(manifest.signature).toBeNull();
  expect(await signManifest('text', manifest, ports)).toBe(true);
  expect(archived.size).toBe(0);
});

describe('with a key', () => {
  it('archives the public key before the manifest names it', async () => {
    const { signature: named } = await manifestOf();
    expect(archived.get(named?.public_key_key ?? '')).toBe(signer.pem);
  });

  it('signs the bytes that are in the archive', async () => {
    expect(await signManifest('täxt', await manifestOf(), ports)).toBe(true);
    expect(verify('sha256', Buffer.from('täxt'), createPublicKey(signer.pem), signature())).toBe(true);
  });

  it('leaves an existing signature unchanged', async () => {
    const manifest = await manifestOf();
    await signManifest('text', manifest, ports);
    const before = signature();
    expect(await signManifest('text', manifest, ports)).toBe(true);
    expect(signature()).toBe(before);
  });

  it.each([
    ['another', () => localSigner()],
    ['no', () => undefined],
  ])('does not report a killed finalizer’s manifest as signed if there is %s key now', async (_, next) => {
    const manifest = await manifestOf();
    ports.signer = next();
    expect(await signManifest('text', manifest, ports)).toBe(false);
    expect(archived.has(keys.signature(1))).toBe(false);
  });

  it('accepts a signature that was made before the key changed', async () => {
    const manifest = await manifestOf();
    await signManifest('text', manifest, ports);
    ports.signer = localSigner();
    expect(await signManifest('text', manifest, ports)).toBe(true);
  });
});
