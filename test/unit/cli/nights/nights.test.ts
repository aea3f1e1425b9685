import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyNights } from '../../../../cli/archive/copy-nights.ts';
import { dateOf, findNight, newestNights } from '../../../../cli/nights/read-nights.ts';
import { summariseNight } from '../../../../cli/nights/summarise-night.ts';
import { formatNight, formatNights } from '../../../../cli/show/nights.ts';
import { verifyNights } from '../../../../cli/verify/nights/verify-nights.ts';
import { sha256Of } from '../../../../lambdas/core/records/identity.ts';
import { makeEvidence } from '../../../support/evidence.ts';
import { inMemoryArchive } from '../../../support/in-memory-archive.ts';
import { NightWorld } from '../../../support/night-world.ts';

let world: NightWorld;
let root: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-nights-'));
  world = new NightWorld();
  world.deadline = { hour: 2, minute: 0, timeZone: 'America/New_York' };
  await world.at('2026-11-20T08:00:00Z').write();
  world.at('2026-11-21T03:00:00Z');
  world.adopt(await makeEvidence(20, world.signer, world.now));
  await world.at('2026-11-24T08:00:00Z').writeAll();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function stack() {
  const send = ({ input: { Key: key = '' } }: GetObjectCommand) => {
    const bytes = world.objects.get(key);
    if (!bytes) return Promise.reject(Object.assign(new Error('no such key'), { name: 'NoSuchKey' }));
    return Promise.resolve({ Body: Readable.from([bytes]) });
  };
  const { ledger, objects } = world;
  return {
    s3: { send } as unknown as S3Client,
    outputs: { archiveBucket: 'archive' },
    ledger,
    archive: inMemoryArchive(objects),
  };
}

describe('nights', () => {
  it('come the newest first, each with the hash of its entry', async () => {
    const nights = await newestNights('traffic', 3, stack(), summariseNight);
    expect(nights.map(({ number, hash }) => [number, hash])).toEqual(
      [4, 3, 2].map((number) => [number, sha256Of(world.texts()[number - 1] ?? '')]),
    );
    const [first] = (await newestNights('traffic', 9, stack(), summariseNight)).slice(-1);
    expect(first).toMatchObject({ feed: 'traffic', number: 1, files: { received: 1 }, verdict: 'attention' });
    expect(first?.expectations).toEqual({ met: 0, missed: 0 });
  });

  it('are found by number, by the date where the feed is, or as the newest', async () => {
    expect((await findNight('traffic', undefined, stack())).entry.number).toBe(4);
    expect((await findNight('traffic', '2', stack())).entry.number).toBe(2);
    const { entry } = await findNight('traffic', '2026-11-23', stack());
    expect([entry.number, entry.to, dateOf(entry)]).toEqual([3, '2026-11-23T07:00:00.000Z', '2026-11-23']);
    await expect(findNight('traffic', '2026-11-30', stack())).rejects.toThrow(/no night 2026-11-30; the newest is 4/);
    await expect(findNight('traffic', 'yesterday', stack())).rejects.toThrow(
      /neither the number of a night nor a date/,
    );
    await expect(findNight('maintenance', undefined, stack())).rejects.toThrow(/has no entry yet/);
  });

  it('are refused if one was removed or changed since', async () => {
    world.objects.set('nights/traffic/3.json', Buffer.from('{}'));
    await expect(newestNights('traffic', 9, stack(), summariseNight)).rejects.toThrow(
      /3.json was changed: its SHA-256 is/,
    );
    world.objects.delete('nights/traffic/3.json');
    await expect(newestNights('traffic', 9, stack(), summariseNight)).rejects.toThrow(/night 3 of traffic was removed/);
  });

  it('are shown with what the desk has to know first', async () => {
    const night = await findNight('traffic', '1', stack());
    const [first = '', ...rest] = formatNight(night).split('\n');
    expect(first).toBe('Ready, but needs attention: 3 records did not get through.');
    expect(rest.join('\n')).toContain(`SHA-256 of its entry: ${night.sha256}`);
    expect(formatNights([summariseNight(night)])).toMatch(
      /traffic +1 +Sat 21 Nov 02:00 +needs attention +1 +20 +3 +met/,
    );
  });
});

describe('the copy of nights', () => {
  it('has everything that verify needs, and says where it begins', async () => {
    const dir = join(root, 'out');
    const request = { feed: 'traffic', dir, onProgress: () => undefined, signal: new AbortController().signal };
    const { nights, head, files } = await copyNights(stack(), { ...request, last: 4 });
    expect([nights, head, files]).toEqual([{ from: 1, to: 4 }, sha256Of(world.texts()[3] ?? ''), 1]);
    for await (const { isSkipped, sentence } of verifyNights(
      dir,
      { heads: head === undefined ? [] : [`traffic=${head}`] },
      () => undefined,
    )) {
      expect(isSkipped, sentence).toBeUndefined();
    }
    await expect(copyNights(stack(), { ...request, last: 1 })).rejects.toThrow(/exists already/);
  });
});
