import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { feedNamed } from '../../../feeds/index.ts';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { handleLetter } from '../../../lambdas/consumer/retry-letter.ts';
import type { Receipt } from '../../../lambdas/core/account/receipt.ts';
import type { AuditedRecord } from '../../support/audit-to.ts';
import { auditTo } from '../../support/audit-to.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { maintenanceRecord } from '../../support/maintenance-records.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

async function deliver(fixture: FeedFixture) {
  const clock = new SimulatedClock();
  const world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  const lines: AuditedRecord[][] = [];
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
  it('logs each record with its id, its hash and its outcome', async () => {
    const { lines, receipts } = await deliver(maintenance);
    const records = lines.flat();
    expect(records.map(({ correlation_id: id, outcome, reason }) => [id, outcome, reason])).toEqual([
      ['MR-1', 'uploaded', undefined],
      ['MR-2', 'uploaded', undefined],
      ['MR-3', 'rejected', 'blank'],
      ['unknown', 'rejected', 'not_json'],
    ]);
    for (const fact of ['record', 'sha256', 'status'] as const) {
      expect(records.map((record) => record[fact])).toEqual(receipts.map((receipt) => receipt[fact]));
    }
    expect(records.map(({ warnings }) => warnings)).toEqual([undefined, [expect.any(String)], undefined, undefined]);
  });

  it('logs many records in a line, but no more than CloudWatch takes', async () => {
    const ids = Array.from({ length: 250 }, (_, n) => `MR-${n}`);
    const { lines } = await deliver(
      fixtureOf(
        ids.map((id) => maintenanceRecord(id)),
        feedNamed('maintenance'),
      ),
    );
    expect(lines.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(lines.flat().map(({ correlation_id: id }) => id)).toEqual(ids);

    const long = Array.from({ length: 9 }, (_, n) => `${n}${'€'.repeat(9_999)}`);
    const few = await deliver(
      fixtureOf(
        long.map((id) => maintenanceRecord(id)),
        feedNamed('maintenance'),
      ),
    );
    expect(few.lines.map(({ length }) => length)).toEqual([3, 3, 3]);
    for (const line of few.lines) expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(256 * 1024);
  });

  it('logs another line for a dead letter that is uploaded after a redrive', async () => {
    const clock = new SimulatedClock();
    const world = consumerWorld(clock, maintenance);
    await putSplitFile(world.ledger, maintenance);
    world.api.fault = (_, nth) => (nth === 1 ? { kind: 'refused', status: 422, answer: 'no' } : undefined);
    await clock.run(deliverBatch(maintenance.message, world.ports, deadline));
    const letter = world.letters.find(({ outcome }) => outcome === 'refused');
    if (!letter) throw new Error('no letter');
    const lines: AuditedRecord[][] = [];
    const ports = { ...world.ports, log: auditTo(lines), inTurn: <T>(work: () => Promise<T>) => work() };
    for (const sentAt of [1, 2])
      await clock.run(handleLetter(letter, { id: `m${sentAt}`, sentAt, receives: 1 }, ports, deadline));
    expect(lines).toMatchObject([[{ correlation_id: 'MR-1', outcome: 'uploaded', sha256: letter.sha256 }]]);
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
