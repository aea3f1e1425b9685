import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyEvidence } from '../../../../cli/archive/copy-evidence.ts';
import { CliError } from '../../../../cli/cli-error.ts';
import { DoesNotHoldError } from '../../../../cli/verify/verified.ts';
import { makeEvidence, verifyByPython, verifyHere } from '../../../support/evidence.ts';
import { localSigner } from '../../../support/local-signer.ts';

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'sluice-evidence-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** S3 with these objects; some of them fail after their first byte. */
function stackOf(objects: ReadonlyMap<string, Buffer>, isBroken: (key: string) => boolean = () => false) {
  const send = ({ input: { Key: key = '' } }: GetObjectCommand) => {
    const bytes = objects.get(key);
    if (!bytes) return Promise.reject(Object.assign(new Error('no such key'), { name: 'NoSuchKey' }));
    const parts = function* () {
      yield bytes.subarray(0, 1);
      if (isBroken(key)) throw new Error('connection reset');
      yield bytes.subarray(1);
    };
    return Promise.resolve({ Body: Readable.from(parts()) });
  };
  return { s3: { send } as unknown as S3Client, outputs: { archiveBucket: 'archive' } };
}

const evidenceOf = async (...args: Parameters<typeof makeEvidence>) => {
  const evidence = await makeEvidence(...args);
  const folder = dirname([...evidence.objects.keys()].find((key) => key.endsWith('/manifest.json')) ?? '');
  return { ...evidence, folder };
};

const copy = (objects: ReadonlyMap<string, Buffer>, manifestKey: string, broken?: (key: string) => boolean) =>
  copyEvidence(stackOf(objects, broken), {
    ...{ manifestKey, dir: join(root, 'out'), onProgress: () => undefined },
    signal: new AbortController().signal,
  });

/** The first manifest of a file, with another name of its source. */
function withSourceNamed(objects: ReadonlyMap<string, Buffer>, folder: string, name: string): Map<string, Buffer> {
  const key = `${folder}/manifest.json`;
  const manifest = JSON.parse(objects.get(key)?.toString() ?? '') as { archive: { source_key: string } };
  const source = objects.get(manifest.archive.source_key);
  manifest.archive.source_key = `${folder}/source/${name}`;
  const changed = new Map([...objects, [key, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)]] as const);
  return source ? changed.set(manifest.archive.source_key, source) : changed;
}

describe('the copy of a file’s evidence', () => {
  it.each([
    ['unsigned', undefined],
    ['signed', localSigner()],
  ])('contains everything that both verifiers need, if manifests are %s', async (_, signer) => {
    const { objects, folder, world, fixture, amend } = await evidenceOf(20, signer);
    await world.ledger.resolveDead(fixture.fileId, 4, { kind: 'handled', by: 'me', why: 'by phone' });
    await amend();
    const copied = await copy(objects, `${folder}/manifest.2.json`);
    expect(copied).toMatchObject({ manifest: join(root, 'out/manifest.2.json'), objects: objects.size });
    expect(copied.bytes).toBe([...objects.values()].reduce((sum, { length }) => sum + length, 0));
    for (const verdict of [await verifyHere(copied.manifest), verifyByPython(copied.manifest)]) {
      if (verdict) expect(verdict, verdict.said).toMatchObject({ holds: true, isComplete: true });
    }
    expect(readdirSync(root)).toEqual(['out']);
  });

  it('contains the signature beside a manifest that names none, so that verification refuses it', async () => {
    const { objects, folder } = await evidenceOf(10);
    objects.set(`${folder}/manifest.json.sig`, Buffer.from('a signature'));
    const { manifest } = await copy(objects, `${folder}/manifest.json`);
    expect(await verifyHere(manifest)).toMatchObject({ holds: false });
  });

  it('lacks what the archive lacks, and verification reports it', async () => {
    const { objects, folder } = await evidenceOf(10);
    for (const key of [...objects.keys()]) if (key.includes('/source/')) objects.delete(key);
    const { manifest } = await copy(objects, `${folder}/manifest.json`);
    const { holds, isComplete, said } = await verifyHere(manifest);
    expect({ holds, isComplete }).toEqual({ holds: true, isComplete: false });
    expect(said).toContain('the source is missing');
  });

  it.each(['/receipts', '/source/', 'manifest.json'])('leaves nothing behind if %s breaks off', async (part) => {
    const { objects, folder } = await evidenceOf(10);
    const broken = copy(objects, `${folder}/manifest.json`, (key) => key.includes(part));
    await expect(broken).rejects.toThrow('connection reset');
    expect(readdirSync(root)).toEqual([]);
  });

  it('leaves nothing behind if it is interrupted', async () => {
    const { objects, folder } = await evidenceOf(10);
    const interrupt = new AbortController();
    const request = { manifestKey: `${folder}/manifest.json`, dir: join(root, 'out'), signal: interrupt.signal };
    const copying = copyEvidence(stackOf(objects), { ...request, onProgress: () => interrupt.abort() });
    await expect(copying).rejects.toThrow();
    expect(readdirSync(root)).toEqual([]);
  });

  it.each(['..', '.', '../../escaped', '/escaped', 'a/b', 'nul\0'])(
    'is not made for a source named %j',
    async (name) => {
      const { objects, folder } = await evidenceOf(10);
      const changed = withSourceNamed(objects, folder, name);
      await expect(copy(changed, `${folder}/manifest.json`)).rejects.toThrow(DoesNotHoldError);
      expect(readdirSync(root)).toEqual([]);
      expect(existsSync(join(root, '../escaped'))).toBe(false);
    },
  );

  it.each(['evil\u001b[2J\n.csv', '\\..\\..', '-rf', '%2e%2e', 'manifest.json'])('keeps the name %j', async (name) => {
    const { objects, folder } = await evidenceOf(10);
    const { manifest } = await copy(withSourceNamed(objects, folder, name), `${folder}/manifest.json`);
    expect(readdirSync(join(root, 'out/source'))).toEqual([name]);
    expect(await verifyHere(manifest)).toMatchObject({ holds: true, isComplete: true });
  });

  it('has another name for a source whose name is too long for this machine', async () => {
    const { objects, folder } = await evidenceOf(10);
    const changed = withSourceNamed(objects, folder, 'x'.repeat(300));
    const { manifest, renamedSource } = await copy(changed, `${folder}/manifest.json`);
    expect(renamedSource).toBe(join(root, 'out/source/renamed-source'));
    expect(await verifyHere(manifest, { source: renamedSource })).toMatchObject({ holds: true, isComplete: true });
  });

  it('is not written into a folder that is not empty', async () => {
    const { objects, folder } = await evidenceOf(10);
    await copy(objects, `${folder}/manifest.json`);
    writeFileSync(join(root, 'out/mine'), 'kept');
    await expect(copy(objects, `${folder}/manifest.json`)).rejects.toThrow(CliError);
    expect(readFileSync(join(root, 'out/mine'), 'utf8')).toBe('kept');
  });
});
