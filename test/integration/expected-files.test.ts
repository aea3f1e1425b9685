import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LiveExpected } from '../../cli/live/snapshot.ts';
import type { ExpectedEntry } from '../../lambdas/core/nights/expected-note.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';
import { invokeFunction } from '../support/invoke-function.ts';
import { openMailbox } from '../support/mailbox.ts';
import { runSluice } from '../support/run-sluice.ts';

const dayMs = 24 * 3_600_000;

let stack: DeployedStack;
let mailbox: Awaited<ReturnType<typeof openMailbox>>;

beforeAll(async () => {
  stack = new DeployedStack();
  mailbox = await openMailbox(stack);
});

afterAll(async () => {
  await stack.ledger.saveExpected('telemetry', { files: [] });
  await mailbox.close();
});

/** The deployed schedule runs it as well, and one run at a time does something. */
const reconcile = () => invokeFunction(stack.cloud.client, stack.output('TelemetryReconcilerName'));

/** Of the stack's only expected file. */
const noted = () =>
  waitFor('the note of the expected file', async () => {
    await reconcile();
    return (await stack.ledger.getExpected('telemetry'))?.files[0];
  });

const mailWith = (subject: RegExp) =>
  waitFor(`a mail: ${subject.source}`, async () => {
    await reconcile();
    return (await mailbox.read()).find((mail) => subject.test(mail.subject));
  });

const line = (device: string) => JSON.stringify({ Device: device, TakenAt: '2026-01-05T06:00:00Z', Celsius: 20 });

async function status(): Promise<{ code: number | null; expected: LiveExpected[] }> {
  const { code, out } = await runSluice(stack, ['status', '--expected', '--feed', 'telemetry', '--json']);
  return { code, expected: JSON.parse(out) as LiveExpected[] };
}

it('a file that is not here by its time is reported, in status, and reported again when it is here', async () => {
  const entry = await noted();
  // The stack is younger than last midnight: nothing was expected then.
  expect(entry.nights).toEqual([]);
  const dueAt = Math.floor(Date.now() / dayMs) * dayMs;
  const day = new Date(dueAt).toISOString().slice(0, 10);
  const older: ExpectedEntry = { ...entry, since: dueAt - 1 };
  await stack.ledger.saveExpected('telemetry', { files: [older] });

  const missed = await mailWith(/^Sluice telemetry: encoders is not here in time$/);
  expect(missed.text).toMatch(
    /^- encoders: expected by 00:00 \(.+ ago\), not here yet; times in UTC; key telemetry\/expected-/m,
  );
  const { code, expected } = await status();
  expect(expected.find((each) => each.day === day)).toMatchObject({
    name: 'encoders',
    state: 'missing',
    file_id: null,
  });
  expect(code).toBe(2);

  const device = randomUUID();
  const key = `express/telemetry/expected-${day.replaceAll('-', '')}_${device}.jsonl`;
  const { fileId } = await stack.drop(key, [line(`${device}-1`), line(`${device}-2`), ''].join('\n'));
  await stack.manifestOf(fileId);
  const arrived = await mailWith(/^Sluice telemetry: encoders is here, late by /);
  expect(arrived.text).toContain(`file ${fileId}`);
  const [night] = (await noted()).nights;
  expect(night).toMatchObject({ day, state: 'late', fileId });
  expect(night?.isOpen).toBeUndefined();
  expect((await status()).code).toBe(0);
});
