import { describe, expect, it } from 'vitest';
import type { FileEnd, ManyFilesScenario } from '../support/many-files-world.ts';
import { fairEndMs, ManyFilesWorld } from '../support/many-files-world.ts';

const limit = { requests: 6_000, windowSeconds: 60 };
const scenario = { limit, batchRecords: 20, brokenEvery: 25, seed: 7 };

/** A minute until functions have started and the last batch is accounted for, and a twentieth of the time. */
const slackOf = (fairMs: number): number => 60_000 + fairMs / 20;

async function runAll(more: Pick<ManyFilesScenario, 'files' | 'order'> & Partial<ManyFilesScenario>) {
  const world = new ManyFilesWorld({ ...scenario, ...more });
  return { world, ends: await world.run() };
}

function expectExact(ends: readonly FileEnd[], brokenEvery: number): void {
  for (const { rows, manifest } of ends) {
    const rejected = Math.floor(rows / brokenEvery);
    expect(manifest).toMatchObject({
      ...{ reconciled: true, total_records: rows, rejected_records: rejected, uploaded_records: rows - rejected },
      ...{ duplicate_records: 0, held_records: 0, exhausted_records: 0 },
    });
  }
}

describe('many files at once', () => {
  it.each(['any', 'fair'] as const)(
    'use the whole limit, and each has an exact account, whatever is received first (%s)',
    async (order) => {
      const files = Array.from({ length: 40 }, (_, nth) => ({ rows: 60, atMs: nth * 500 }));
      const { world, ends } = await runAll({ files, order });
      expectExact(ends, scenario.brokenEvery);
      expect(world.stored).toBe(40 * 58);
      const fair = 20_000 + fairEndMs(60, Array<number>(40).fill(60), limit);
      for (const { endMs } of ends) expect(endMs).toBeLessThan(fair + slackOf(fair));
    },
  );

  it('of different sizes: a small one does not wait for large ones, where SQS serves the files in turn', async () => {
    const rows = [...Array<number>(10).fill(1_000), ...Array<number>(10).fill(20)];
    const { ends } = await runAll({ files: rows.map((each) => ({ rows: each })), order: 'fair', horizonRecords: 200 });
    expectExact(ends, scenario.brokenEvery);
    for (const { rows: own, endMs } of ends) {
      const fair = fairEndMs(own, rows, limit);
      expect(endMs, `${own} rows`).toBeLessThan(fair + slackOf(fair));
    }
  });

  it('of different sizes, in any order: none waits for longer than all of them take', async () => {
    const rows = [...Array<number>(6).fill(1_000), ...Array<number>(6).fill(20)];
    const { ends } = await runAll({ files: rows.map((each) => ({ rows: each })), order: 'any', horizonRecords: 200 });
    expectExact(ends, scenario.brokenEvery);
    const all = fairEndMs(1_000, rows, limit);
    for (const { endMs } of ends) expect(endMs).toBeLessThan(all + slackOf(all));
  });

  it('do not hold back an urgent file', async () => {
    const files = [
      ...Array.from({ length: 12 }, () => ({ rows: 400 })),
      { rows: 40, lane: 'express' as const, atMs: 10_000 },
    ];
    const { ends } = await runAll({ files, order: 'any' });
    const urgent = ends.at(-1);
    // The lanes' consumers take turns: half of the limit is its own.
    expect((urgent?.endMs ?? Infinity) - 10_000).toBeLessThan(slackOf(fairEndMs(80, [80], limit)));
  });

  it('are reconciled and shown with a number of calls that grows with pages of files, not with files', async () => {
    const files = Array.from({ length: 250 }, () => ({ rows: 4 }));
    const world = new ManyFilesWorld({ ...scenario, files, order: 'any', brokenEvery: Infinity });
    const costs: Record<string, number> = {};
    world.onBacklog = async () => {
      costs['status'] = (await world.look()).calls;
      costs['reconciler'] = (await world.reconcile()).calls;
    };
    await world.run();
    // Three pages of files; `status` reads them once, and the batches of four files.
    expect(costs['status']).toBeLessThan(40);
    expect(costs['reconciler']).toBeLessThan(80);
  });

  it('that end together are announced in few mails', async () => {
    const files = Array.from({ length: 40 }, () => ({ rows: 4 }));
    const { world } = await runAll({ files, order: 'any' });
    expect(world.mails.length).toBeLessThan(5);
  });
});
