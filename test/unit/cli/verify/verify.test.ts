import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../../../lambdas/core/account/manifest.ts';
import { proveRecord } from '../../../../cli/verify/record-proof.ts';
import type { Verdict } from '../../../support/evidence.ts';
import { localSigner } from '../../../support/local-signer.ts';
import { makeEvidence, verifyByPython, verifyHere, writeEvidence } from '../../../support/evidence.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let objects: Map<string, Buffer>;
const keyPart = (part: string): string => [...objects.keys()].find((key) => key.includes(part)) ?? '';
const keyOf = (name: string): string => [...objects.keys()].find((key) => key.endsWith(name)) ?? '';
let runs = 0;

beforeAll(async () => {
  const evidence = await makeEvidence(50);
  await evidence.world.ledger.resolveDead(evidence.fixture.fileId, 4, {
    kind: 'uploaded',
    requestId: 'r',
    answer: { status: 409, confirmedBy: '409', answer: 'seen before' },
  });
  await evidence.world.ledger.resolveDead(evidence.fixture.fileId, 11, { kind: 'handled', by: 'me', why: 'by phone' });
  await evidence.amend();
  objects = evidence.objects;
});

/** A folder with the evidence, some of it changed. */
function folder(change: (files: Map<string, Buffer>) => void = () => undefined): string {
  const dir = join(root, String(++runs));
  const files = new Map([...objects].map(([key, bytes]) => [key, Buffer.from(bytes)]));
  change(files);
  writeEvidence(files, dir);
  return dir;
}

/** Both have to say the same. */
async function verdicts(path: string): Promise<Verdict> {
  const [first, second] = [await verifyHere(path), verifyByPython(path)];
  if (second) expect(second, second.said).toMatchObject({ holds: first.holds, isComplete: first.isComplete });
  return first;
}

const json = (bytes: Buffer | undefined): Record<string, unknown> => JSON.parse(bytes?.toString() ?? 'null') as never;

describe('the evidence of a file', () => {
  it('is valid, by two verifiers, for each of its manifests', async () => {
    for (const name of ['manifest.json', 'manifest.2.json']) {
      const { isComplete, said } = await verdicts(join(folder(), name));
      expect(isComplete, said).toBe(true);
      expect(said).toContain('unsigned');
      expect(said).not.toContain('missing');
    }
  });

  it('is valid as far as it goes if source or dead letters are missing, and the result says so', async () => {
    const dir = folder(
      (files) =>
        files.delete(keyOf('/source/log.jsonl')) ||
        files.delete([...files.keys()].find((key) => key.includes('/source/')) ?? ''),
    );
    const { holds, isComplete, said } = await verdicts(join(dir, 'manifest.json'));
    expect({ holds, isComplete }).toEqual({ holds: true, isComplete: false });
    expect(said).toContain('the source is missing');
  });

  it.each(['receipts.', 'dead-letters.', 'resolutions.', 'report.2.', '/manifest.json'])(
    'is incomplete without %s…, and the result says so',
    async (part) => {
      const dir = folder((files) => {
        for (const key of [...files.keys()]) if (key.includes(part)) files.delete(key);
      });
      const { holds, isComplete, said } = await verdicts(join(dir, 'manifest.2.json'));
      expect({ holds, isComplete }, said).toEqual({ holds: true, isComplete: false });
      expect(said).toMatch(/(is|are) missing/);
    },
  );

  it('is invalid under the name of another manifest', async () => {
    const dir = folder((files) => {
      files.set(keyOf('/manifest.2.json'), files.get(keyOf('/manifest.json')) as Buffer);
    });
    expect(await verdicts(join(dir, 'manifest.2.json'))).toMatchObject({ holds: false });
  });

  it.each<[string, (files: Map<string, Buffer>) => void]>([
    ['another report', (files) => files.set(keyPart('report.2.'), Buffer.from('<p>All is well.</p>'))],
    [
      'another manifest before it',
      (files) =>
        files.set(
          keyOf('/manifest.json'),
          Buffer.concat([files.get(keyOf('/manifest.json')) as Buffer, Buffer.from(' ')]),
        ),
    ],
  ])('is invalid with %s', async (_, change) => {
    expect(await verdicts(join(folder(change), 'manifest.2.json'))).toMatchObject({ holds: false });
  });

  const sourceKey = () => [...objects.keys()].find((key) => key.includes('/source/')) ?? '';
  const flip = (key: () => string, at: (bytes: Buffer) => number) => (files: Map<string, Buffer>) => {
    const bytes = files.get(key()) as Buffer;
    const place = at(bytes);
    bytes[place] = (bytes[place] ?? 0) ^ 1;
  };
  const repack = (name: string, change: (lines: string[]) => string[]) => (files: Map<string, Buffer>) => {
    const lines = gunzipSync(files.get(keyOf(name)) as Buffer)
      .toString()
      .trimEnd()
      .split('\n');
    files.set(keyOf(name), gzipSync(`${change(lines).join('\n')}\n`));
    // As a forger would who makes the manifest fit.
    const field = name.startsWith('receipts') ? 'receipts_sha256' : 'dead_letters_sha256';
    const sha256 = createHash('sha256').update(files.get(keyOf(name)) as Buffer);
    account((manifest) => {
      manifest['archive'] = { ...(manifest['archive'] as object), [field]: sha256.digest('hex') };
    })(files);
  };
  const account = (change: (manifest: Record<string, unknown>) => void) => (files: Map<string, Buffer>) => {
    const manifest = json(files.get(keyOf('/manifest.json')));
    change(manifest);
    files.set(keyOf('/manifest.json'), Buffer.from(JSON.stringify(manifest)));
  };
  const add = (manifest: Record<string, unknown>, name: string, by: number) => {
    manifest[name] = Number(manifest[name]) + by;
  };

  it.each<[string, (files: Map<string, Buffer>) => void, RegExp]>([
    ['the first bit of the source', flip(sourceKey, () => 0), /SHA-256 of the source/],
    ['a bit in the middle of the source', flip(sourceKey, (bytes) => bytes.length >> 1), /record \d+|SHA-256/],
    ['a line break of the source', flip(sourceKey, (bytes) => bytes.indexOf('\n')), /SHA-256/],
    [
      'the packed receipts',
      flip(
        () => keyOf('receipts.ndjson.gz'),
        (bytes) => bytes.length >> 1,
      ),
      /./,
    ],
    ['a receipt left out', repack('receipts.ndjson.gz', (lines) => lines.toSpliced(9, 1)), /record 11 where 10/],
    ['the last receipt left out', repack('receipts.ndjson.gz', (lines) => lines.slice(0, -1)), /by the receipts/],
    [
      'a receipt twice',
      repack('receipts.ndjson.gz', (lines) => lines.toSpliced(9, 0, lines[9] ?? '')),
      /record 10 where 11/,
    ],
    [
      'an outcome',
      repack('receipts.ndjson.gz', (lines) =>
        lines.map((line, n) => (n === 0 ? line.replace('uploaded', 'duplicate') : line)),
      ),
      /by the receipts/,
    ],
    [
      'a status',
      repack('receipts.ndjson.gz', (lines) =>
        lines.map((line, n) => (n === 0 ? line.replace(/"status":\d+/, '"status":299') : line)),
      ),
      /root over the receipts/,
    ],
    [
      'a hash',
      repack('receipts.ndjson.gz', (lines) =>
        lines.map((line, n) => (n === 0 ? line.replace(/"sha256":"./, '"sha256":"0') : line)),
      ),
      /record 1|root/,
    ],
    [
      'two receipts’ texts in each other’s place',
      repack('receipts.ndjson.gz', (lines) =>
        lines.map((line, n) => (n === 1 ? (lines[2] ?? '').replace('"record":3', '"record":2') : line)),
      ),
      /root|record 1 that is in no receipt/,
    ],
    ['a dead letter left out', repack('dead-letters.ndjson.gz', (lines) => lines.slice(1)), /dead letters/],
    ['a dead letter too many', repack('dead-letters.ndjson.gz', (lines) => [...lines, lines[0] ?? '']), /dead letter/],
    [
      'a count and the total',
      account((each) => {
        add(each, 'uploaded_records', 1);
        add(each, 'total_records', 1);
        add(each, 'valid_records', 1);
      }),
      /by the receipts/,
    ],
    [
      'the records of the first delivery',
      account((each) => {
        const times = each['times'] as Manifest['times'];
        times.delivered_records = (times.delivered_records ?? 0) - 1;
        times.records_per_second = Math.round((times.delivered_records / times.upload_seconds) * 100) / 100;
      }),
      /records were delivered, the manifest says/,
    ],
    ['a count', account((each) => add(each, 'refused_records', 1)), /in all/],
    ['the open letters', account((each) => add(each, 'dead_lettered_records', -1)), /dead letters should be open/],
    [
      'the checksum',
      account((each) => {
        each['checksum'] = 'f'.repeat(64);
      }),
      /SHA-256/,
    ],
    [
      'a root',
      account((each) => {
        each['proof'] = { ...(each['proof'] as object), records_root: 'f'.repeat(64) };
      }),
      /root over the records/,
    ],
    [
      'the leaves',
      account((each) => {
        each['proof'] = { ...(each['proof'] as object), leaves: 49 };
      }),
      /leaves/,
    ],
    [
      'what it says of itself',
      account((each) => {
        each['reconciled'] = false;
      }),
      /reconciled/,
    ],
    ['no JSON at all', (files) => files.set(keyOf('/manifest.json'), Buffer.from('{"')), /not strict JSON/],
  ])('is invalid with another %s', async (_, change, reason) => {
    const { holds, said } = await verdicts(join(folder(change), 'manifest.json'));
    expect(holds, said).toBe(false);
    expect(said).toMatch(reason);
  });

  it.each([
    ['another resolution', (text: string) => text.replace('"uploaded"', '"handled"')],
    ['one less', (text: string) => text.split('\n').slice(1).join('\n')],
  ])('is invalid with %s', async (_, change) => {
    const dir = folder((files) => {
      const key = [...files.keys()].find((each) => each.includes('resolutions.')) ?? '';
      files.set(key, Buffer.from(change(files.get(key)?.toString() ?? '')));
    });
    expect((await verdicts(join(dir, 'manifest.2.json'))).holds).toBe(false);
    expect((await verdicts(join(dir, 'manifest.json'))).holds).toBe(true);
  });
});

describe('the proof of one record', () => {
  const archived = (): { text: string; manifest: Manifest } => {
    const text = objects.get(keyOf('/manifest.json'))?.toString() ?? '';
    return { text, manifest: manifestSchema.parse(JSON.parse(text)) };
  };
  const lines = () =>
    gunzipSync(objects.get(keyOf('receipts.ndjson.gz')) as Buffer)
      .toString()
      .trimEnd()
      .split('\n');
  const prove = (record: number) =>
    proveRecord(record, archived(), async () =>
      (async function* () {
        yield* lines();
      })(),
    );

  it('is a few lines, and is valid without the file, by two verifiers', async () => {
    const dir = folder();
    for (const record of [1, 4, 26, 50]) {
      const proof = join(dir, `proof-${record}.json`);
      writeFileSync(proof, JSON.stringify(await prove(record)));
      expect(readFileSync(proof).length).toBeLessThan(3_000);
      const alone = await verdicts(proof);
      expect(alone.holds, alone.said).toBe(true);
      expect(alone.said).toContain(`record ${record} `);
      const manifest = join(dir, 'manifest.json');
      expect((await verifyHere(proof, { manifest })).holds).toBe(true);
      expect(verifyByPython(proof, manifest)?.holds).not.toBe(false);
      const other = join(dir, 'manifest.2.json');
      expect((await verifyHere(proof, { manifest: other })).holds).toBe(false);
      expect(verifyByPython(proof, other)?.holds).not.toBe(true);
    }
  });

  it.each<[string, (proof: Awaited<ReturnType<typeof prove>>) => void]>([
    [
      'receipt',
      (proof) => {
        proof.receipt = proof.receipt.replace('uploaded', 'rejected');
      },
    ],
    [
      'root',
      (proof) => {
        proof.receipts_root = 'f'.repeat(64);
      },
    ],
    [
      'place',
      (proof) => {
        proof.index++;
      },
    ],
    [
      'number of leaves',
      (proof) => {
        proof.leaves = 20;
      },
    ],
    [
      'side',
      (proof) => {
        const [step] = proof.path;
        if (step) step.side = step.side === 'left' ? 'right' : 'left';
      },
    ],
    [
      'sibling',
      (proof) => {
        const step = proof.path.at(-1);
        if (step) step.hash = `${step.hash.startsWith('0') ? '1' : '0'}${step.hash.slice(1)}`;
      },
    ],
    [
      'length',
      (proof) => {
        proof.path.pop();
      },
    ],
  ])('is invalid with another %s', async (name, change) => {
    const proof = await prove(26);
    change(proof);
    const path = join(root, `bad-${name}.json`);
    writeFileSync(path, JSON.stringify(proof));
    expect((await verdicts(path)).holds).toBe(false);
  });

  it('is refused for a record that does not exist', async () => {
    await expect(prove(51)).rejects.toThrow('no record 51');
  });
});

describe('a signed manifest', () => {
  const signer = localSigner();
  let signed: Map<string, Buffer>;
  const nameOf = (part: string) => [...signed.keys()].find((key) => key.includes(part)) ?? '';

  beforeAll(async () => {
    const evidence = await makeEvidence(9, signer);
    await evidence.world.ledger.resolveDead(evidence.fixture.fileId, 4, { kind: 'uploaded', requestId: 'r' });
    await evidence.amend();
    signed = evidence.objects;
  });

  function signedFolder(change: (files: Map<string, Buffer>) => void = () => undefined): string {
    const dir = join(root, String(++runs));
    const files = new Map([...signed].map(([key, bytes]) => [key, Buffer.from(bytes)]));
    change(files);
    writeEvidence(files, dir);
    return dir;
  }

  it('is valid, by two verifiers, and names its key', async () => {
    for (const name of ['manifest.json', 'manifest.2.json']) {
      const { holds, said } = await verdicts(join(signedFolder(), name));
      expect(holds, said).toBe(true);
      expect(said).toContain('signed by arn:aws:kms:us-east-1:000000000000:key/test');
      expect(said).toContain('whether that is your key was not checked');
    }
  });

  it('is valid by openssl, too', () => {
    const dir = signedFolder();
    const key = join(dir, basename(nameOf('signing-key')));
    const manifest = join(dir, 'manifest.json');
    const { stdout, error } = spawnSync(
      'openssl',
      ['dgst', '-sha256', '-verify', key, '-signature', `${manifest}.sig`, manifest],
      { encoding: 'utf8' },
    );
    if (!error) expect(stdout.trim()).toBe('Verified OK');
  });

  // What a flip does, it does at each place of the same kind: every byte, one bit of each, which goes round.
  it.each([
    ['manifest', '/manifest.json'],
    ['signature', '/manifest.json.sig'],
    ['public key', '/signing-key.'],
    ['receipts', '/receipts.ndjson.gz'],
    ['dead letters', '/dead-letters.ndjson.gz'],
    ['source', '/source/'],
  ])('is invalid with any bit of its %s flipped', { timeout: 300_000 }, async (_, part) => {
    const dir = signedFolder();
    const key = [...signed.keys()].find((each) => each.endsWith(part)) ?? nameOf(part);
    const bytes = signed.get(key) as Buffer;
    const path = join(dir, part === '/source/' ? join('source', basename(key)) : basename(key));
    for (let bit = 0; bit < bytes.length * 8; bit += bytes.length > 300 ? 9 : 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, flipped);
      expect((await verifyHere(join(dir, 'manifest.json'))).holds, `bit ${bit}`).toBe(false);
      if (bit % 401 === 0) expect(verifyByPython(join(dir, 'manifest.json'))?.holds, `bit ${bit}`).not.toBe(true);
    }
    writeFileSync(path, bytes);
    expect((await verdicts(join(dir, 'manifest.json'))).holds).toBe(true);
  });

  it('is invalid if it states that it is unsigned', async () => {
    const dir = signedFolder((files) => {
      const manifest = json(files.get(nameOf('/manifest.json')));
      files.set(nameOf('/manifest.json'), Buffer.from(JSON.stringify({ ...manifest, signature: null })));
    });
    expect((await verdicts(join(dir, 'manifest.json'))).holds).toBe(false);
  });

  it.each(['.sig', 'signing-key'])('is invalid without its %s', async (part) => {
    const dir = signedFolder((files) => {
      for (const key of files.keys()) if (key.includes(part)) files.delete(key);
    });
    expect((await verdicts(join(dir, 'manifest.json'))).holds).toBe(false);
  });

  it('is invalid with the signature of another manifest', async () => {
    const dir = signedFolder((files) => {
      files.set(nameOf('manifest.json.sig'), files.get(nameOf('manifest.2.json.sig')) as Buffer);
    });
    expect((await verdicts(join(dir, 'manifest.json'))).holds).toBe(false);
  });

  describe('that must be signed by a key', () => {
    const given = (pem: string) => {
      const publicKey = join(root, `key-${++runs}.pem`);
      writeFileSync(publicKey, pem);
      return { publicKey };
    };

    it('is valid if it is', async () => {
      const { holds, said } = await verifyHere(join(signedFolder(), 'manifest.json'), given(signer.pem));
      expect(holds, said).toBe(true);
      expect(said).toContain('signed by the given key');
      expect(said).not.toContain('was not checked');
    });

    it('is invalid if another key has signed it', async () => {
      const { holds, said } = await verifyHere(join(signedFolder(), 'manifest.json'), given(localSigner().pem));
      expect(holds).toBe(false);
      expect(said).toContain('signed by another key');
    });

    it('is invalid if it is unsigned', async () => {
      const { holds, said } = await verifyHere(join(folder(), 'manifest.json'), given(signer.pem));
      expect(holds).toBe(false);
      expect(said).toContain('unsigned');
    });

    it('is not verified with something that is not a key', async () => {
      await expect(verifyHere(join(signedFolder(), 'manifest.json'), given('key'))).rejects.toThrow('not a PEM');
    });
  });

  it('proves a record by a signed manifest', async () => {
    const dir = signedFolder();
    const manifest = join(dir, 'manifest.json');
    const text = readFileSync(manifest, 'utf8');
    const receipts = gunzipSync(signed.get(nameOf('/receipts.')) as Buffer)
      .toString()
      .trimEnd()
      .split('\n');
    const proof = await proveRecord(3, { text, manifest: manifestSchema.parse(JSON.parse(text)) }, async () =>
      (async function* () {
        yield* receipts;
      })(),
    );
    const path = join(dir, 'proof.json');
    writeFileSync(path, JSON.stringify(proof));
    const { holds, said } = await verifyHere(path, { manifest });
    expect(holds, said).toBe(true);
    expect(said).toContain('is signed by');
    expect(verifyByPython(path, manifest)?.holds).not.toBe(false);
    writeFileSync(`${manifest}.sig`, signed.get(nameOf('manifest.2.json.sig')) as Buffer);
    expect((await verifyHere(path, { manifest })).holds).toBe(false);
    expect(verifyByPython(path, manifest)?.holds).not.toBe(true);
  });
});
