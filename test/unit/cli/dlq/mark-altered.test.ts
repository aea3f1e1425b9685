import { expect, it } from 'vitest';
import { readDeadMessage } from '../../../../cli/dlq/dead-message.ts';
import { markAltered } from '../../../../cli/dlq/mark-altered.ts';
import { deliverBatch } from '../../../../lambdas/consumer/deliver-batch.ts';
import { fixtureOf, putSplitFile, rowOf } from '../../../support/feed-fixture.ts';
import { consumerWorld } from '../../../support/in-memory-ports.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';
import { noDeadline } from '../../../support/splitter-world.ts';

it('a letter in the DLQ that the ledger does not know is listed as altered, and a genuine one unchanged', async () => {
  const clock = new SimulatedClock();
  const fixture = fixtureOf([{ ...rowOf(1), Duration: '30s' }]);
  const world = consumerWorld(clock, fixture);
  await putSplitFile(world.ledger, fixture);
  await clock.run(deliverBatch(fixture.message, world.ports, noDeadline));
  const [letter] = world.letters;
  await world.ledger.adoptLetter(letter as never, { id: 'm1', sentAt: 1 });
  const bodies = [letter, { ...letter, raw_payload: '{}' }, { ...letter, letter_id: 'mine' }, { no: 'letter' }];
  const messages = bodies.map((body, index) => {
    const message = { messageId: `m${index}`, body: JSON.stringify(body), sentAt: 5, receives: 3 };
    return readDeadMessage('traffic', { queue: 'letters', lane: 'main' }, message);
  });
  const marked = await markAltered(messages, 'traffic', world.ledger);
  expect(marked.map(({ reason }) => reason)).toEqual(['not_an_integer', 'altered', 'altered', 'unknown_message']);
  expect(marked[1]).toMatchObject({ raw_payload: '{}', message_id: 'm1' });
});
