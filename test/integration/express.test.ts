import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { DeployedStack, waitFor } from '../support/deployed-stack.ts';

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

/** Rows of which each `every`th is one that the API refuses. */
function exportOf(rows: number, every: number) {
  const prefix = `X${randomUUID().slice(0, 8)}`;
  const lines = ['SpotID,StationCode,AirDateTime,Duration,ClientName'];
  for (let number = 1; number <= rows; number++) {
    const id = number % every === 0 ? `REFUSE-${prefix}-${number}` : `${prefix}-${number}`;
    lines.push(`${id},WABC,2026-11-24 06:00:00,30,Acme`);
  }
  return { prefix, rows, refused: Math.floor(rows / every), text: `${lines.join('\n')}\n` };
}

async function expectExact(manifest: Manifest, lane: string, { prefix, rows, refused }: ReturnType<typeof exportOf>) {
  expect(manifest).toMatchObject({
    lane,
    state: 'completed',
    total_records: rows,
    uploaded_records: rows - refused,
    refused_records: refused,
    dead_lettered_records: refused,
    duplicate_records: 0,
    reconciled: true,
  });
  expect(await stack.stored(prefix)).toHaveLength(rows - refused);
}

it('an express file overtakes a file that was dropped before it, and both accounts are exact', async () => {
  const [big, small] = [exportOf(9_000, 1_500), exportOf(60, 20)];
  const throttles = await stack.throttles();
  const ordinary = await stack.drop(`traffic/${big.prefix}.csv`, big.text);
  // Its batches are all in the queue, and the first is settled: later files in this lane would wait for it.
  await waitFor('the big file to be in progress', async () => {
    const file = await stack.ledger.getFile(ordinary.fileId);
    return file?.state === 'split' && file.settledBatches > 0 ? file : undefined;
  });
  const urgent = await stack.drop(`express/traffic/${small.prefix}.csv`, small.text);

  const first = await stack.manifestOf(urgent.fileId);
  expect((await stack.ledger.getFile(ordinary.fileId))?.manifest).toBeUndefined();
  const second = await stack.manifestOf(ordinary.fileId);

  await expectExact(first, 'express', small);
  await expectExact(second, 'main', big);
  // One limiter for both lanes: the API never answered 429.
  expect(await stack.throttles()).toBe(throttles);

  // Each lane's letters end in its own DLQ, and a redrive returns them to that lane.
  for (const [fileId, { refused }, dlq, source] of [
    [urgent.fileId, small, 'TrafficExpressDlqUrl', /-traffic-express-letters$/],
    [ordinary.fileId, big, 'TrafficDlqUrl', /-traffic-letters$/],
  ] as const) {
    const dead = await stack.takeDeadLetters(fileId, refused, dlq);
    expect(dead).toHaveLength(refused);
    for (const { message } of dead) expect(message.Attributes?.['DeadLetterQueueSourceArn']).toMatch(source);
  }
});

it('a redriven dead letter of the express lane amends the account', async () => {
  const small = exportOf(3, 10);
  await stack.setFaults({ refuseSpots: [`${small.prefix}-2`] });
  const { fileId } = await stack.drop(`express/traffic/${small.prefix}.csv`, small.text);
  expect(await stack.manifestOf(fileId)).toMatchObject({ uploaded_records: 2, refused_records: 1 });
  const dead = await stack.takeDeadLetters(fileId, 1, 'TrafficExpressDlqUrl');
  await stack.setFaults({});
  for (const { message } of dead) await stack.send('TrafficExpressLettersQueueUrl', message.Body ?? '');
  expect(await stack.manifestOf(fileId, 2)).toMatchObject({
    lane: 'express',
    uploaded_records: 3,
    refused_records: 0,
    resolved_records: 1,
    reconciled: true,
  });
});

it('the same bytes are sent once, whichever lane they arrive through', async () => {
  const small = exportOf(3, 10);
  const first = await stack.drop(`traffic/${small.prefix}.csv`, small.text);
  await stack.manifestOf(first.fileId);
  const again = await stack.drop(`express/traffic/${small.prefix}.csv`, small.text);
  expect(await stack.manifestOf(again.fileId)).toMatchObject({
    lane: 'express',
    state: 'duplicate',
    duplicate_of: first.fileId,
    total_records: 0,
  });
});
