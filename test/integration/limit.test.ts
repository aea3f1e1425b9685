import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { runSluice } from '../support/run-sluice.ts';

const rows = 9_000;
const why = 'the API’s owner asked';
/** Of the limit of 4,000 in 10 s. */
const lowered = 400;

it('lowers a file’s limit and pauses and resumes its feed: the API sees it within seconds, and the account is exact', async () => {
  const stack = new DeployedStack();
  const throttles = await stack.throttles();
  const prefix = `L${randomUUID().slice(0, 8)}`;
  const lines = Array.from({ length: rows }, (_, row) => `${prefix}-${row},WABC,2026-11-24 06:00:00,30,Acme`);
  const text = `${['SpotID,StationCode,AirDateTime,Duration,ClientName', ...lines].join('\n')}\n`;
  const { fileId } = await stack.drop(`traffic/${prefix}.csv`, text);
  await waitFor('the file to be in progress', async () => {
    return ((await stack.ledger.getFile(fileId))?.settledBatches ?? 0) > 0 ? true : undefined;
  });
  /** Runs a command that makes a decision. @returns its output, with the decision's time */
  const decide = async (...args: string[]) => {
    const end = await runSluice(stack, [...args, '--by', 'anna', '--json']);
    expect(end.err).not.toContain('sluice:');
    const said = JSON.parse(end.out) as { decision: { at: string }; limit: unknown; paused: unknown };
    return { ...said, atMs: Date.parse(said.decision.at) };
  };

  const slower = await decide('limit', 'traffic', '--requests', String(lowered), '--why', why);
  expect(slower.limit).toMatchObject({
    requests: lowered,
    deployed_requests: 4_000,
    set_by: 'operator',
    by: 'anna',
    why,
  });
  // The first whole second that begins 5 s after the change.
  const secondOf = (firstAt: string | null) => Math.ceil((slower.atMs + 5_000 - Date.parse(firstAt ?? '')) / 1000);
  const slow = await waitFor('two windows at the lower limit', async () => {
    const { firstAt, perSecond } = await stack.apiStats();
    const since = perSecond.slice(secondOf(firstAt), -1);
    return since.length >= 20 ? since : undefined;
  });
  // Ten seconds' counts are in a window of which each end lies up to a second further out: nine are all within one.
  const inNine = slow.map((_, nth) => slow.slice(nth, nth + 9).reduce((sum, count) => sum + count, 0));
  expect(Math.max(...inNine)).toBeLessThanOrEqual(lowered);
  expect(Math.max(...inNine)).toBeGreaterThan(lowered / 2);

  const pause = await decide('pause', 'traffic', '--why', 'a wrong file');
  expect(pause.paused).toMatchObject({ by: 'anna', why: 'a wrong file' });
  const stoppedAt = await waitFor('the API to be left alone', async () => {
    const { lastAt } = await stack.apiStats();
    const lastMs = Date.parse(lastAt ?? '');
    return Date.now() - Math.max(lastMs, pause.atMs) > 8_000 ? lastMs : undefined;
  });
  expect(stoppedAt - pause.atMs).toBeLessThanOrEqual(30_000);
  expect((await stack.ledger.getFile(fileId))?.manifest).toBeUndefined();
  const status = await runSluice(stack, ['status', '--feed', 'traffic']);
  expect(status.out).toMatch(/traffic is PAUSED by anna since .*, because a wrong file\./);

  await decide('limit', 'traffic', '--reset');
  await decide('resume', 'traffic', '--why', 'it is the right one after all');
  expect(await stack.manifestOf(fileId, 1, 240_000)).toMatchObject({
    ...{ state: 'completed', total_records: rows, uploaded_records: rows, duplicate_records: 0 },
    ...{ dead_lettered_records: 0, reconciled: true },
  });
  expect(await stack.stored(prefix)).toHaveLength(rows);
  expect(await stack.throttles()).toBe(throttles);
}, 400_000);
