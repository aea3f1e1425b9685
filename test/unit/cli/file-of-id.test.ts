import { expect, it } from 'vitest';
import { fileIdOf } from '../../../lambdas/core/account/file-id.ts';
import { bundleLimits } from '../../support/bundle-world.ts';
import { fileOfId } from '../../../cli/commands/file-of-id.ts';
import { fileAccount } from '../../support/file-account.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';

const digits = (start: string): string => start.padEnd(24, '0');

/** A ledger with files of these ids, as far as `find` needs it. */
function stackOf(...ids: string[]) {
  const ledger = openMemoryLedger({ now: () => 0 });
  for (const [index, fileId] of ids.entries()) {
    const [feed = ''] = fileId.split('.');
    ledger.files.set(fileId, fileAccount({ fileId, feed, createdAt: index }));
  }
  const api = () => ({ url: null, requests: 1, windowSeconds: 1, connections: 1, consumers: 1 });
  const find = async (typed: string) =>
    (await fileOfId({ ledger, outputs: { api }, target: { stackName: 'stack' } }, typed)).fileId;
  return { ledger, find };
}

const one = `traffic.${digits('7c28')}`;
const two = `traffic.${digits('7c3')}`;
const other = `maintenance.${digits('7c28ff')}`;

it.each([
  ['the whole id', one, one],
  ['its digits', digits('7c28'), one],
  ['the first digits', '7c3', two],
  ['the feed and the first digits', 'traffic.7c2', one],
  ['the feed and its only file', 'maintenance.', other],
  ['the beginning of the feed’s name', 'maint', other],
])('finds a file by %s', async (_, typed, found) => {
  expect(await stackOf(one, two, other).find(typed)).toBe(found);
});

it('lists the files if several match, and does not choose one', async () => {
  const { find } = stackOf(one, two, other);
  const refusal = find('7c28');
  await expect(refusal).rejects.toThrow(/^2 files have an id that begins with 7c28; type more of it:\n/);
  await expect(refusal).rejects.toThrow(`  ${one}  split  1970-01-01 00:00Z  traffic/${one}.csv`);
  await expect(refusal).rejects.toThrow(other);
  await expect(refusal).rejects.not.toThrow(two);
});

it('counts the files that it does not list', async () => {
  const { find } = stackOf(...Array.from({ length: 12 }, (_, n) => `traffic.${digits(`a${n}f`)}`));
  await expect(find('a')).rejects.toThrow('… and 4 more');
});

it.each(['8', 'traffic.8', 'telemetry.7', digits('7c29'), '', 'no such', 'TRAFFIC.7C28', `${one}0`])(
  'finds nothing for %j',
  async (typed) => {
    await expect(stackOf(one, two, other).find(typed)).rejects.toThrow(`has no file ${typed};`);
  },
);

it('finds the bundle that contains a small file', async () => {
  const { ledger, find } = stackOf(one, two);
  const member = `traffic.${digits('b')}`;
  ledger.files.set(member, fileAccount({ fileId: member, bundleId: one }));
  expect(await find(member)).toBe(one);
});

it('says of a small file without an open bundle that it waits for one', async () => {
  const { ledger, find } = stackOf(one);
  const bundle = { fileId: two, feed: 'traffic', lane: 'main', limits: bundleLimits };
  const source = { bucket: 'intake', key: 'traffic/small.json', versionId: '1', etag: '"1"', sizeBytes: 9 };
  await ledger.takePlaces(bundle, [source]);
  const id = fileIdOf('traffic', source);
  await expect(find(id)).rejects.toThrow(`${id} is a small file that is not in an open bundle yet`);
});
