import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { feedNamed } from '../../../feeds/index.ts';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import type { AuditLog } from '../../../lambdas/ports.ts';
import type { Receipt } from '../../../lambdas/core/account/receipt.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import { consumerWorld, silentLog } from '../../support/in-memory-ports.ts';
import { maintenanceRecord } from '../../support/maintenance-records.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

type Lines = (Record<string, unknown> | undefined)[];

/** A log that keeps the lines about records. */
function auditTo(lines: Lines): AuditLog {
  return {
    ...silentLog,
    info: (message, fields) => {
      if (message === 'record accounted for') lines.push(fields);
    },
  };
}

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

async function deliver(fixture: FeedFixture) {
  const clock = new SimulatedClock();
  const world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  const lines: Lines = [];
  const log = auditTo(lines);
  await clock.run(deliverBatch(fixture.message, { ...world.ports, log }, deadline));
  const receipts = [...world.receipts.values()].flatMap((bytes) =>
    gunzipSync(bytes)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Receipt),
  );
  return { lines, receipts, metrics: world.metrics };
}

const records = [
  maintenanceRecord('MR-1'),
  maintenanceRecord('MR-2', { form_type: 'TCCA Form One' }),
  maintenanceRecord('MR-3', { component_sn: '' }),
  '{"secret": "payload",',
];
const maintenance = fixtureOf(records, feedNamed('maintenance'));

describe('a feed that audits each record', () => {
  it('logs a line per record, with its id, its hash and its outcome', async () => {
    const { lines, receipts } = await deliver(maintenance);
    expect(lines.map((line) => [line?.['correlation_id'], line?.['outcome'], line?.['reason']])).toEqual([
      ['MR-1', 'uploaded', null],
      ['MR-2', 'uploaded', null],
      ['MR-3', 'rejected', 'blank'],
      ['unknown', 'rejected', 'not_json'],
    ]);
    expect(lines.map((line) => line?.['sha256'])).toEqual(receipts.map(({ sha256 }) => sha256));
    expect(lines.map((line) => line?.['warnings'])).toEqual([undefined, expect.any(Array), undefined, undefined]);
    expect(lines[1]?.['warnings']).toHaveLength(1);
  });

  it('logs another line for a dead letter that is uploaded after a redrive', async () => {
    const clock = new SimulatedClock();
    const world = consumerWorld(clock, maintenance);
    await putSplitFile(world.ledger, maintenance);
    world.api.fault = (_, nth) => (nth === 1 ? { kind: 'refused', status: 422, answer: 'no' } : undefined);
    await clock.run(deliverBatch(maintenance.message, world.ports, deadline));
    const letter = world.letters.find(({ outcome }) => outcome === 'refused');
    if (!letter) throw new Error('no letter');
    const lines: Lines = [];
    const ports = { ...world.ports, log: auditTo(lines), inTurn: <T>(work: () => Promise<T>) => work() };
    for (const sentAt of [1, 2])
      await clock.run(handleLetter(letter, { id: `m${sentAt}`, sentAt, receives: 1 }, ports, deadline));
    expect(lines).toMatchObject([{ correlation_id: 'MR-1', outcome: 'uploaded', sha256: letter.sha256 }]);
  });

  it('logs nothing of the payload', async () => {
    const { lines } = await deliver(maintenance);
    expect(JSON.stringify(lines)).not.toMatch(/payload|SN-MR|serviceable/);
  });

  it('puts the ids and warnings into the receipts, and so into the archive', async () => {
    const { receipts } = await deliver(maintenance);
    expect(receipts.map(({ correlation_id }) => correlation_id)).toEqual(['MR-1', 'MR-2', 'MR-3', 'unknown']);
    expect(receipts.map(({ warnings }) => warnings?.length ?? 0)).toEqual([0, 1, 0, 0]);
  });
});

describe('a feed that does not audit its records', () => {
  it('logs no such lines, and has the same receipts', async () => {
    const { lines, receipts } = await deliver(fixtureOf([rowOf(1), rowOf(2)]));
    expect(lines).toEqual([]);
    for (const receipt of receipts) {
      expect(receipt).not.toHaveProperty('correlation_id');
      expect(receipt).not.toHaveProperty('warnings');
    }
  });
});

it('counts the outcomes of a batch for the metrics', async () => {
  const { metrics } = await deliver(maintenance);
  expect(Object.fromEntries(metrics.map(({ name, value }) => [name, value]))).toEqual({
    ProcessedRecords: 4,
    FailedRecords: 0,
    RejectedRecords: 2,
    DeadLetteredRecords: 2,
    BatchDuration: expect.any(Number) as number,
    ApiLatency: expect.any(Number) as number,
    SlotWaitShare: expect.any(Number) as number,
    ConnectionsInUse: 1,
  });
});
