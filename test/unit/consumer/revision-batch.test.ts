import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { signed } from '../../../lambdas/core/authenticity.ts';
import type { Receipt } from '../../../lambdas/core/account/receipt.ts';
import { requestIdOf } from '../../../lambdas/core/records/identity.ts';
import type { RecordPlan } from '../../../lambdas/core/series/known-records.ts';
import type { PlannedRecord } from '../../../lambdas/core/series/revision-plan.ts';
import { encodePlans } from '../../../lambdas/core/series/revision-plan.ts';
import type { BatchMessage } from '../../../lambdas/messages.ts';
import { batchMessage, readMessage } from '../../../lambdas/messages.ts';
import type { SinkRequest } from '../../../lambdas/ports.ts';
import { buriedReceipts } from '../../../lambdas/reconciler/buried-receipts.ts';
import type { FeedFixture } from '../../support/feed-fixture.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../support/feed-fixture.ts';
import type { ConsumerWorld } from '../../support/in-memory-ports.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';

let clock: SimulatedClock;
let world: ConsumerWorld;
let fixture: FeedFixture;
const deadline = { remainingMs: () => 900_000, isDrawingIn: () => false };

beforeEach(async () => {
  clock = new SimulatedClock();
  fixture = fixtureOf([rowOf(1), rowOf(2), { ...rowOf(3), Duration: '30s' }, rowOf(4), rowOf(2)]);
  world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
});

const messageWith = (...plans: RecordPlan[]) => messageOf(plans.map((plan) => ({ plan })));

function messageOf(plans: readonly PlannedRecord[]): BatchMessage {
  const encoded = encodePlans(plans);
  const file = world.ledger.files.get(fixture.fileId);
  if (!file) throw new Error('The file has no account.');
  const message = { ...fixture.message, ...(encoded && { v: 3 as const, ...encoded }) };
  // As it comes out of the queue.
  return readMessage(batchMessage, JSON.parse(JSON.stringify(signed(message, file))));
}

function receipts(): Receipt[] {
  const batch = world.ledger.batches.get(`${fixture.fileId}#1`);
  const text = gunzipSync(world.receipts.get(batch?.receiptsKey ?? '') as Buffer).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Receipt);
}

const outcomes = () => receipts().map(({ outcome }) => outcome);
const sent = () => world.api.requests.map(({ requestId }) => requestId);

describe('a batch of a revision', () => {
  it('sends the records that its plan sends, and accounts for the rest', async () => {
    await clock.run(
      deliverBatch(messageWith('unchanged', 'send', 'send', 'unchanged', 'repeated'), world.ports, deadline),
    );
    expect(outcomes()).toEqual(['unchanged', 'uploaded', 'rejected', 'unchanged', 'duplicate']);
    expect(sent()).toEqual([requestIdOf(['SP-000002', '2026-01-05 06:00:00'], fixture.sha256)]);
    expect(receipts()[0]).toMatchObject({ status: null, attempts: 0, request_id: expect.any(String) as string });
    expect(world.ledger.batches.get(`${fixture.fileId}#1`)?.counts).toMatchObject({ unchanged: 2, duplicate: 1 });
  });

  it('of the version before, without earlier versions, is understood', async () => {
    const message = { ...messageWith('unchanged', 'send', 'send', 'unchanged', 'repeated'), v: 2 as const };
    await clock.run(deliverBatch(message, world.ports, deadline));
    expect(outcomes()).toEqual(['unchanged', 'uploaded', 'rejected', 'unchanged', 'duplicate']);
    expect(receipts().some((receipt) => 'earlier_checksums' in receipt)).toBe(false);
  });

  it('keeps what its records supersede: in requests, in receipts, and in a letter', async () => {
    world.api.fault = (_, nth) => (nth === 2 ? { kind: 'refused', status: 422, answer: 'no' } : undefined);
    const named: SinkRequest['supersedes'][] = [];
    const { sink } = world.ports;
    world.ports.sink = {
      deliver: (request, signal) => (named.push(request.supersedes), sink.deliver(request, signal)),
    };
    const [file, older] = ['a'.repeat(64), 'b'.repeat(64)];
    const superseding = { plan: 'send' as const, earlier: [file, older, null] };
    const unchanged = { plan: 'unchanged' as const, earlier: [older] };
    await clock.run(
      deliverBatch(
        messageOf([unchanged, superseding, { plan: 'send' }, superseding, { plan: 'repeated' }]),
        world.ports,
        deadline,
      ),
    );
    const ids = (place: number) =>
      [file, older].map((each) => requestIdOf([`SP-00000${place}`, '2026-01-05 06:00:00'], each));
    expect(named).toEqual([
      [...ids(2), null],
      [...ids(4), null],
    ]);
    expect(world.letters.at(-1)).toMatchObject({ v: 3, record: 4, earlier_checksums: [file, older, null] });
    const [first, second, , fourth] = receipts();
    expect(first).toMatchObject({ outcome: 'unchanged', earlier_checksums: [older] });
    expect(second).toMatchObject({ outcome: 'uploaded', supersedes: ids(2) });
    expect(fourth).toMatchObject({ outcome: 'refused', supersedes: ids(4) });
  });

  it('rejects a record that is not valid, whatever its plan', async () => {
    const all = Array.from({ length: 5 }, () => 'unchanged' as const);
    await clock.run(deliverBatch(messageWith(...all), world.ports, deadline));
    expect(outcomes()[2]).toBe('rejected');
  });

  it('uses no slot of the limit if nothing has changed', async () => {
    let leases = 0;
    world.ports.limiter.leaseSlots = () => {
      leases++;
      return Promise.reject(new Error('A slot was leased.'));
    };
    await clock.run(
      deliverBatch(messageWith('unchanged', 'unchanged', 'send', 'unchanged', 'repeated'), world.ports, deadline),
    );
    expect([sent(), leases]).toEqual([[], 0]);
  });

  it('is refused by its signature if its plans were altered', async () => {
    const message = { ...messageWith('send', 'send', 'send', 'send', 'send'), ...encodePlans([{ plan: 'unchanged' }]) };
    const file = world.ledger.files.get(fixture.fileId);
    Object.assign(file as object, { messageKey: '0f'.repeat(32) });
    const attempt = clock.run(deliverBatch(message, world.ports, deadline));
    await expect(attempt).rejects.toThrow('was altered');
  });

  it('that is buried creates no letter for a record that the API has', () => {
    const file = world.ledger.files.get(fixture.fileId);
    const batch = { fileId: fixture.fileId, batch: 1, attempt: 1, state: 'open' as const, records: 5, firstRecord: 1 };
    const message = messageWith('unchanged', 'send', 'send', 'unchanged', 'repeated');
    const buried = buriedReceipts(message, file as never, batch, fixture.feed, 1);
    expect(buried.map(({ outcome }) => outcome)).toEqual([
      'unchanged',
      'exhausted',
      'exhausted',
      'unchanged',
      'duplicate',
    ]);
    expect(buried[0]?.request_id).toMatch(/^[0-9a-f]{64}$/);
  });

  it('that is buried keeps what its records supersede, although none of them is parsed', () => {
    const file = world.ledger.files.get(fixture.fileId);
    const batch = { fileId: fixture.fileId, batch: 1, attempt: 1, state: 'open' as const, records: 5, firstRecord: 1 };
    const plans = Array.from({ length: 5 }, () => ({ plan: 'send' as const, earlier: ['a'.repeat(64)] }));
    const buried = buriedReceipts(messageOf(plans), file as never, batch, fixture.feed, 1);
    expect(buried.map(({ earlier_checksums }) => earlier_checksums)).toEqual(plans.map(({ earlier }) => earlier));
  });
});
