import { expect, it } from 'vitest';
import { deliverBatch } from '../../../lambdas/consumer/deliver-batch.ts';
import { bundleFiles } from '../../../lambdas/splitter/bundle-files.ts';
import { bundleWorld } from '../../support/bundle-world.ts';
import { fixtureOf } from '../../support/feed-fixture.ts';
import { consumerWorld } from '../../support/in-memory-ports.ts';
import { maintenanceRecord } from '../../support/maintenance-records.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { noDeadline } from '../../support/splitter-world.ts';

it('one of 98 small files is nested 6,000 levels deep: only its record is dead, the others are uploaded', async () => {
  const clock = new SimulatedClock();
  const splitter = bundleWorld(clock);
  const textOf = (n: number): string => {
    const record = maintenanceRecord(`MR-${n}`, n === 41 ? { findings: 'HERE' } : {});
    return JSON.stringify(record).replace('"HERE"', '['.repeat(6_000) + ']'.repeat(6_000));
  };
  const sources = Array.from({ length: 98 }, (_, index) => splitter.drop(`r-${index + 1}.json`, textOf(index + 1)));
  await bundleFiles(sources, splitter.ports, noDeadline);

  const consumer = consumerWorld(clock, fixtureOf([]), { requests: 60_000, windowSeconds: 60 });
  Object.assign(consumer.ports, { ledger: splitter.ports.ledger, feed: splitter.ports.feed });
  for (const message of splitter.sent) await clock.run(deliverBatch(message, consumer.ports, noDeadline));

  expect(consumer.letters).toMatchObject([{ source_file: 's3://intake/maintenance/r-41.json', reason: 'too_deep' }]);
  expect(consumer.api.stored.size).toBe(97);
  const bundles = [...splitter.ports.ledger.files.values()].filter((file) => file.bundle);
  expect(bundles).toMatchObject([{ settled: { uploaded: 97, rejected: 1 } }]);
});
