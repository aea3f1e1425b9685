import { expect, it } from 'vitest';
import { projectFilesOf } from '../../../cli/drop/project-files.ts';
import { projectionText } from '../../../lambdas/core/deadlines/deadline-text.ts';
import type { Projection } from '../../../lambdas/core/deadlines/projection.ts';
import { summariseFile } from '../../../cli/show/file-summary.ts';
import { formatFiles } from '../../../cli/show/files-table.ts';
import { StackOutputs } from '../../../cli/stack/stack-outputs.ts';
import { fileAccount } from '../../support/file-account.ts';
import { openMemoryLedger } from '../../support/memory-ledger.ts';
import { InMemoryLimiterStore } from '../../support/in-memory-limiter-store.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

/** 02:00 UTC is 21:00 in New York, eight hours before the deadline. */
const clock = new SimulatedClock();
const api = {
  id: 'avstar',
  url: 'https://avstar.example',
  requests: 600,
  windowSeconds: 60,
  connections: 1,
  consumers: 1,
};
const deadline = { hour: 5, minute: 0, timeZone: 'America/New_York' };

const when = { zone: 'America/New_York', now: clock.now() };
const textOf = (projection: Projection | undefined) => projection && projectionText(projection, when.zone, when.now);

function stackOf(output: object) {
  const ledger = openMemoryLedger(clock);
  const createdAt = clock.now() - 60_000;
  for (const [fileId, totalRecords] of [
    ['short', 3_000],
    ['long', 300_000],
  ] as const) {
    ledger.files.set(fileId, fileAccount({ fileId, totalRecords, createdAt: createdAt + totalRecords }));
  }
  const outputs = new StackOutputs('sluice-test', { TrafficApi: JSON.stringify(output) });
  return { ledger, outputs, limiterOf: () => new InMemoryLimiterStore() };
}

it('projects when each file in progress will be done, and the time to its deadline', async () => {
  const stack = stackOf({ ...api, deadline });
  const projections = await projectFilesOf(stack, clock);
  const files = await stack.ledger.listFiles('traffic', 'open', 10);
  const summaries = files.map((file) => summariseFile(file, undefined, projections.of(file.fileId)));
  const table = formatFiles(summaries, when, (fileId) => textOf(projections.of(fileId)));
  expect(table).toMatch(/^file id .* projected +file$/m);
  expect(table).toMatch(
    /^short .* done at the earliest 21:05 \(in 5 min\), 7 h 55 min before the deadline +traffic\/short.csv$/m,
  );
  expect(table).toMatch(
    /^long .* LATE by 28 min, done at the earliest 5 Jan 05:27 \(in 8 h 28 min\) +traffic\/long.csv$/m,
  );
  expect(summaries.find((file) => file.file_id === 'long')).toMatchObject({
    remaining_records: 300_000,
    remaining_is_estimate: false,
    projected_done: expect.stringMatching(/^2026-01-05T10:27:/) as string,
    deadline: '2026-01-05T10:00:00.000Z',
    deadline_margin_seconds: expect.closeTo(-1_651, -1) as number,
  });
});

it('gives no verdict without a deadline', async () => {
  const projections = await projectFilesOf(stackOf(api), clock);
  expect(textOf(projections.of('short'))).toBe('done at the earliest 21:05 (in 5 min)');
  expect(summariseFile(fileAccount(), undefined, projections.of('short'))).toMatchObject({
    deadline: null,
    deadline_margin_seconds: null,
  });
});

it('projects nothing for a file that is done, nor for a stack that does not name whose limit it shares', async () => {
  const { id: _id, ...older } = api;
  const projections = await projectFilesOf(stackOf(older), clock);
  expect(projections.of('short')).toBeUndefined();
  const done = summariseFile(fileAccount({ state: 'completed' }));
  expect(done).toMatchObject({ projected_done: null, remaining_records: null, remaining_is_estimate: null });
  expect(formatFiles([done], when)).not.toContain('projected');
});
