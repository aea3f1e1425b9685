import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, inject, it } from 'vitest';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import { DeployedStack } from '../support/deployed-stack.ts';
import { killFunction } from '../support/kill-function.ts';
import { killAtRandom } from './kill-at-random.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

// Slow calls: a function that takes milliseconds otherwise can be met at any of its steps.
const slow = { latencyMs: [20, 80] as [number, number] };

it.each([
  { name: 'splitters that are killed', functions: ['TrafficSplitterName'], kills: 4, everyMs: 500 },
  { name: 'finalizers that are killed', functions: ['FinalizerName'], kills: 3, everyMs: 400 },
  { name: 'consumers that are killed', functions: ['TrafficConsumerName'], kills: 3, everyMs: 4_000 },
  {
    name: 'functions of every kind that are killed',
    functions: ['TrafficSplitterName', 'TrafficConsumerName', 'FinalizerName'],
    kills: 5,
    everyMs: 2_500,
  },
])('$name', async ({ name, functions, kills, everyMs }) => {
  let killed = 0;
  await runCase(stack, {
    name,
    rows: 4_000,
    seed: seed + 300 + name.length,
    aws: slow,
    timeoutMs: 400_000,
    during: async ({ fileId }) => {
      killed = await killAtRandom(stack, { functions, kills, everyMs, fileId, dice: new SeededDice(seed) });
    },
  });
  expect(killed).toBeGreaterThan(0);
});

it('a letter’s consumer that is killed leaves the letter to the next', async () => {
  await runCase(stack, {
    name: 'letters whose consumer is killed',
    rows: 300,
    seed: seed + 399,
    aws: slow,
    timeoutMs: 400_000,
    during: async () => {
      for (let kills = 0; kills < 3; kills++) {
        await delay(700);
        await killFunction(stack, stack.output('TrafficConsumerName'));
      }
    },
  });
});
