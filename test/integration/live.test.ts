import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Snapshot } from '../../cli/live/snapshot.ts';
import type { RoomState } from '../../cli/ui/room-state.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { askRoom, cookieOf, enterRoom } from '../support/open-room.ts';
import { runSluice, startSluice } from '../support/run-sluice.ts';
import { header } from '../support/traffic-exports.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});
beforeEach(() => stack.setFaults({}));

/** Valid rows, two invalid ones, and one that is refused as long as the API has that fault. */
async function dropSome(goodRows: number) {
  const prefix = `L${randomUUID().slice(0, 8)}`;
  await stack.setFaults({ refuseSpots: [`${prefix}-curable`] });
  const row = (id: string, duration = '30') => `${id},WABC,2026-11-24 06:00:00,${duration},Acme,x`;
  const good = Array.from({ length: goodRows }, (_, index) => row(`${prefix}-${index}`));
  const bad = [row(`${prefix}-bad`, '30s'), row(`${prefix}-worse`, 'long'), row(`${prefix}-curable`)];
  return stack.drop(`traffic/${prefix}.csv`, [header, ...bad, ...good, ''].join('\n'));
}

async function look(...options: string[]): Promise<Snapshot> {
  const { code, out, err } = await runSluice(stack, ['watch', '--once', '--json', '--feed', 'traffic', ...options]);
  expect(code, err).toBe(0);
  expect(out.trim().split('\n')).toHaveLength(1);
  return JSON.parse(out) as Snapshot;
}

describe('watch', () => {
  it('shows a file while it is in progress, and its end', async () => {
    // A quarter of a minute at the limit's pace.
    const { fileId } = await dropSome(6_000);
    await waitFor('the file to be in progress', async () => {
      const file = await stack.ledger.getFile(fileId);
      return file !== undefined && file.settledBatches > 0 ? true : undefined;
    });
    const during = await look();
    const file = during.files.find(({ file_id: id }) => id === fileId);
    expect(file).toMatchObject({ feed: 'traffic', lane: 'main', expected_records: 6_003 });
    expect(file?.settled_records).toBeGreaterThan(0);
    expect(file?.settled_records).toBeLessThan(6_003);
    expect(file?.projected).toMatch(/^done (about|at the earliest) /);
    expect(during.headlines.some(({ text }) => /^[0-9]+ files? in progress; /.test(text))).toBe(true);
    expect(during.apis[0]).toMatchObject({ feeds: ['traffic'], breaker: 'closed', limit: { requests: 4_000 } });

    const watching = startSluice(stack, ['watch', '--feed', 'traffic']);
    await waitFor('a line of the file', async () => (watching.said.out.includes('.csv: ') ? true : undefined));
    await stack.manifestOf(fileId);
    await waitFor('the verdict', async () => (/done, with 3 dead letters/.test(watching.said.out) ? true : undefined));
    watching.child.kill('SIGINT');
    const end = await watching.end;
    expect([end.code, end.err]).toEqual([130, 'No longer watching; the work continues without this command.\n']);
    expect(end.out).not.toContain('\u001b');

    const after = await look();
    expect(after.files.map(({ file_id: id }) => id)).not.toContain(fileId);
    expect(after.closed.find(({ file_id: id }) => id === fileId)).toMatchObject({
      total_records: 6_003,
      dead_lettered_records: 3,
      verdict: 'done, with 3 dead letters',
    });
  });
});

describe('ui', () => {
  it('shows, exports and redrives the dead letters, and leaves nothing behind when it exits', async () => {
    const { fileId } = await dropSome(20);
    await stack.manifestOf(fileId);
    const ui = startSluice(stack, ['ui']);
    const url = await waitFor('the address', async () => {
      const found = /http:\/\/\S+\.localhost:[0-9]+\/#\S+/.exec(ui.said.out)?.[0];
      return found === undefined ? undefined : new URL(found);
    });
    const headers = { cookie: cookieOf(await enterRoom(url.origin, url.hash.slice(1))) };
    const state = async () => JSON.parse((await askRoom(url.origin, '/api/snapshot', { headers })).body) as RoomState;

    const seen = await waitFor('the dead letters', async () => {
      const { snapshot } = await state();
      const groups = snapshot?.dead_letters ?? [];
      return ['not_an_integer', 'http_422'].every((why) => groups.some(({ reason }) => reason === why))
        ? snapshot
        : undefined;
    });
    expect(seen.closed.map(({ file_id: id }) => id)).toContain(fileId);
    const csv = await askRoom(url.origin, '/api/export?feed=traffic&reason=not_an_integer', { headers });
    expect(csv.body.split('\r\n').filter((line) => line.includes(fileId))).toHaveLength(2);

    await stack.setFaults({});
    const begun = await askRoom(url.origin, '/api/redrive', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', origin: url.origin },
      body: JSON.stringify({ feed: 'traffic', reason: 'http_422' }),
    });
    expect([begun.status, begun.body]).toEqual([202, expect.stringContaining('"running"')]);
    const job = await waitFor('the redrive', async () => {
      const [newest] = (await state()).jobs;
      return newest?.state === 'running' ? undefined : newest;
    });
    expect(job).toMatchObject({ state: 'done', what: 'http_422' });
    expect((await stack.ledger.getDead(fileId, 3))?.state).toBe('resolved');
    expect((await stack.ledger.getDead(fileId, 1))?.state).toBe('dead');
    expect(await stack.manifestOf(fileId, 2)).toMatchObject({ dead_lettered_records: 2, resolved_records: 1 });

    ui.child.kill('SIGINT');
    const end = await ui.end;
    expect([end.code, end.err]).toEqual([130, expect.stringContaining('the work continues without it.')]);
    await expect(askRoom(url.origin, '/')).rejects.toThrow('ECONNREFUSED');
  });
});
