import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NightsGiven } from '../../../../cli/verify/nights/verify-nights.ts';
import { verifyNights } from '../../../../cli/verify/nights/verify-nights.ts';
import { DoesNotHoldError } from '../../../../cli/verify/verified.ts';
import { canonicalJson } from '../../../../lambdas/core/canonical-json.ts';
import type { NightEntry } from '../../../../lambdas/core/nights/night-entry.ts';
import { sha256Of } from '../../../../lambdas/core/records/identity.ts';
import type { Evidence, Verdict } from '../../../support/evidence.ts';
import { makeEvidence, verdictOf } from '../../../support/evidence.ts';
import { verifyFile } from '../../../../cli/verify/verify-file.ts';
import { NightWorld } from '../../../support/night-world.ts';
import type { Answer } from '../../../support/python-verifier.ts';
import { startPythonVerifier } from '../../../support/python-verifier.ts';

const nights = 14;
const python = startPythonVerifier();
const dir = mkdtempSync(join(tmpdir(), 'sluice-nights-'));
const world = new NightWorld();
/** The archive's objects after fourteen nights, by key. */
let objects: ReadonlyMap<string, Buffer>;
let hashes: string[];

/** Five files in fourteen nights; a dead letter of the first is settled a few nights later. */
beforeAll(async () => {
  await world.at('2026-11-20T03:00:00Z').write();
  let first: Evidence | undefined;
  for (let night = 1; night <= nights; night++) {
    world.now += 24 * 3_600_000;
    if ([1, 2, 5, 9, 13].includes(night)) {
      const evidence = await makeEvidence(6 + night, world.signer, world.now - 7_200_000);
      first ??= evidence;
      world.adopt(evidence);
    }
    if (night === 7 && first) await settleOne(first);
    await world.write();
  }
  objects = world.objects;
  hashes = world.texts().map(sha256Of);
  for (const [key, bytes] of objects) write(key, bytes);
});

afterAll(() => {
  python?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function settleOne(evidence: Evidence): Promise<void> {
  const { fileId } = evidence.fixture;
  await evidence.world.ledger.resolveDead(fileId, 4, { kind: 'handled', by: 'Kim', why: 'by hand' });
  await evidence.amend();
  world.adopt(evidence);
}

function write(key: string, bytes: Buffer | string): void {
  mkdirSync(dirname(join(dir, key)), { recursive: true });
  writeFileSync(join(dir, key), bytes);
}

async function verify(given: NightsGiven = {}): Promise<Verdict> {
  const said: string[] = [];
  let isComplete = true;
  try {
    for await (const { sentence, isSkipped } of verifyNights(dir, given, () => undefined)) {
      said.push(sentence);
      if (isSkipped) isComplete = false;
    }
    return { holds: true, isComplete, said: said.join('\n') };
  } catch (error) {
    if (!(error instanceof DoesNotHoldError)) throw error;
    return { holds: false, isComplete: false, said: error.message };
  }
}

/** By the second verifier; as the first one says if there is no Python. */
async function verifyAgain(first: Verdict, given: NightsGiven = {}): Promise<Answer> {
  const args = ['--nights', dir, ...(given.heads ?? []).flatMap((head) => ['--head', head])];
  const code = first.holds ? (first.isComplete ? 0 : 3) : 1;
  return (await python?.verify(args)) ?? [code, first.said];
}

/** What both verifiers say while an object is another one, or is not there. */
async function withObject(
  key: string,
  bytes: Buffer | string | undefined,
  given?: NightsGiven,
): Promise<[Verdict, Answer]> {
  const place = join(dir, key);
  if (bytes === undefined) renameSync(place, `${dir}.away`);
  else write(key, bytes);
  try {
    const first = await verify(given);
    return [first, await verifyAgain(first, given)];
  } finally {
    if (bytes === undefined) renameSync(`${dir}.away`, place);
    else if (objects.has(key)) write(key, objects.get(key) ?? '');
    else rmSync(place);
  }
}

const isAmended = (folder: string): boolean => objects.has(`${folder}/manifest.2.json`);
const night = (number: number): string => `nights/traffic/${number}.json`;
const entryOf = (number: number): NightEntry => world.entries()[number - 1] as NightEntry;

describe('a copy of fourteen nights', () => {
  it('holds, by both verifiers, and contains the hash of a mail', async () => {
    const first = await verify({ heads: [hashes[9] ?? ''] });
    expect(first, first.said).toMatchObject({ holds: true, isComplete: true });
    expect(first.said).toContain(
      `nights 1 to 14 of traffic follow each other; the hash of the last one is ${hashes[13]}`,
    );
    expect(first.said).toContain('6 manifests that the nights of traffic name');
    expect(first.said).toContain('the evidence of 5 files');
    expect(await verifyAgain(first, { heads: [hashes[9] ?? ''] })).toEqual([0, '']);
  });

  it('holds with the hash of each feed, and not with one of a feed whose log is missing or other', async () => {
    const [own, lost] = [`traffic=${hashes[9]}`, `music=${'f'.repeat(64)}`];
    const first = await verify({ heads: [own] });
    expect(first.said).not.toContain('was not checked');
    expect(await verifyAgain(first, { heads: [own] })).toEqual([0, '']);
    expect((await verify()).said).toContain(
      'later entries of traffic were removed was not checked: --head traffic=HASH',
    );
    for (const heads of [[own, lost], [`music=${hashes[9]}`], [lost, own]]) {
      const second = await verify({ heads });
      expect(second).toMatchObject({ holds: false });
      expect(second.said).toContain('no entry of music has the hash');
      expect((await verifyAgain(second, { heads }))[0]).toBe(1);
    }
  });

  it('has an amended file whose own manifest is not valid with another object of an earlier one', async () => {
    const [earlier = ''] = [...objects.keys()].filter((key) => key.includes('/report.1.') && isAmended(dirname(key)));
    const newest = join(dir, dirname(earlier), 'manifest.2.json');
    const verdict = async () => [
      await verdictOf(verifyFile(newest, {})),
      (await python?.verify([newest]))?.[0] ?? null,
    ];
    const here = python ? [0, 1, 3] : [null, null, null];
    const [whole, code] = await verdict();
    expect([whole, code]).toMatchObject([{ holds: true, isComplete: true }, here[0]]);
    write(earlier, 'another report');
    try {
      expect(await verdict()).toMatchObject([
        { holds: false, said: expect.stringContaining(basename(earlier)) as string },
        here[1],
      ]);
      rmSync(join(dir, earlier));
      expect(await verdict()).toMatchObject([{ holds: true, isComplete: false }, here[2]]);
    } finally {
      write(earlier, objects.get(earlier) ?? '');
    }
  });

  it('without any one object: both verifiers name it', async () => {
    expect(objects.size).toBeGreaterThan(75);
    // An object that only a race leaves behind is named by nothing; here, each is.
    for (const key of objects.keys()) {
      // The end of the log can be missed by who has its hash only.
      const isLast = key === night(nights);
      const [first, [code, said]] = await withObject(key, undefined, isLast ? { heads: [hashes[13] ?? ''] } : {});
      expect(first.isComplete, key).toBe(false);
      expect(code, key).not.toBe(0);
      const name = isLast ? (hashes[13] ?? '') : key.slice(key.lastIndexOf('/') + 1);
      expect(first.said, key).toContain(key.includes('/source/') ? 'source' : name);
      if (key.startsWith('nights/') && !isLast) expect(said).toContain(key.replace(/\.sig$|signing-key.*/, ''));
    }
  });

  it('does not hold if an entry was changed, was signed again by another, or follows another one', async () => {
    const changed = (number: number, change: Partial<NightEntry>): string =>
      `${canonicalJson({ ...entryOf(number), ...change })}\n`;
    const forgeries: [string, string, RegExp][] = [
      [night(6), changed(6, { feed: 'maintenance' }), /6\.json/],
      [night(14), changed(14, { from: '2026-12-03T01:00:00.000Z' }), /14/],
      [night(14), changed(14, { tool_version: '9.9.9' }), /signature/],
      [night(3), changed(3, { previous_sha256: 'a'.repeat(64) }), /3\.json|night 3/],
      [night(1), changed(1, { received: [] }), /1\.json/],
      [night(4), `${JSON.stringify(entryOf(4), null, 2)}\n`, /canonical/],
    ];
    for (const [key, text, said] of forgeries) {
      const [first, [code, second]] = await withObject(key, text);
      expect(first.holds, key).toBe(false);
      expect(first.said).toMatch(said);
      expect(code, second).toBe(1);
    }
  });

  it('does not hold if an object that it names was replaced', async () => {
    for (const key of [...objects.keys()].filter((each) => !/\.(sig|pem)$/.test(each))) {
      const bytes = Buffer.from(objects.get(key) ?? '');
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      const [first, [code]] = await withObject(key, bytes);
      expect([first.holds, code], key).toEqual([false, 1]);
    }
  });

  it('shows a log that was cut, or forked by who can sign, by the hash of a mail', async () => {
    const forked = canonicalJson({ ...entryOf(14), tool_version: '9.9.9' });
    const bytes = Buffer.from(`${forked}\n`);
    const signature = await world.signer.sign(bytes);
    write(`${night(14)}.sig`, signature);
    try {
      const [first] = await withObject(night(14), bytes);
      expect(first.holds, first.said).toBe(true);
      const [second, [code]] = await withObject(night(14), bytes, { heads: [hashes[13] ?? ''] });
      expect([second.holds, code]).toEqual([false, 1]);
      expect(second.said).toMatch(/cut, removed or rewritten/);
    } finally {
      write(`${night(14)}.sig`, objects.get(`${night(14)}.sig`) ?? '');
    }
  });

  it('does not hold if a signer says something else of a file than its manifest, or receives it twice', async () => {
    const again = entryOf(1).received;
    for (const change of [{ received: again, files: entryOf(1).files, sums: entryOf(1).sums }]) {
      const text = `${canonicalJson({ ...entryOf(14), ...change, deadline: entryOf(1).deadline })}\n`;
      write(`${night(14)}.sig`, await world.signer.sign(Buffer.from(text)));
      try {
        const [first, [code]] = await withObject(night(14), text);
        expect([first.holds, code], first.said).toEqual([false, 1]);
      } finally {
        write(`${night(14)}.sig`, objects.get(`${night(14)}.sig`) ?? '');
      }
    }
  });

  it('is checked from its first entry on, and says that earlier ones are missing unless that was wanted', async () => {
    const away = [1, 2, 3].map(night);
    for (const key of away) rmSync(join(dir, key));
    try {
      const first = await verify();
      expect(first).toMatchObject({ holds: true, isComplete: false });
      expect(first.said).toContain('nights/traffic/1.json to 3.json is missing');
      expect(await verify({ from: 4 })).toMatchObject({ holds: true, isComplete: true });
    } finally {
      for (const key of away) write(key, objects.get(key) ?? '');
    }
    expect(readFileSync(join(dir, night(1)))).toEqual(objects.get(night(1)));
  });
});
