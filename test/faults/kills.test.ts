import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import { DeployedStack } from '../support/deployed-stack.ts';
import { killFunction } from '../support/kill-function.ts';
import type { KillOptions } from './kill-at-random.ts';
import { killAtRandom } from './kill-at-random.ts';
import { runCase } from './run-case.ts';

const seed = inject('faultSeed');

let stack: DeployedStack;
beforeAll(() => {
  stack = new DeployedStack();
});

// Slow calls: a function that takes milliseconds otherwise can be met at any of its steps.
const slow = { latencyMs: [20, 80] as [number, number] };

const cases: (Pick<KillOptions, 'functions' | 'kills' | 'withinMs'> & { name: string })[] = [
  { name: 'splitters that are killed', functions: ['splitter'], kills: 2, withinMs: 800 },
  { name: 'consumers that are killed', functions: ['consumer'], kills: 3, withinMs: 3_000 },
  { name: 'finalizers that are killed', functions: ['finalizer'], kills: 1, withinMs: 1_500 },
  {
    name: 'functions of every kind that are killed',
    functions: ['splitter', 'consumer', 'finalizer'],
    kills: 4,
    withinMs: 1_500,
  },
];

describe('an account is exact with', () => {
  for (const [index, { name, ...kill }] of cases.entries()) {
    it(name, async () => {
      const dice = new SeededDice(seed + index);
      let killed = 0;
      await runCase(stack, {
        name,
        rows: 4_000,
        seed: seed + 300 + index,
        aws: slow,
        timeoutMs: 600_000,
        during: async ({ fileId }) => {
          killed = await killAtRandom(stack, { ...kill, fileId, dice });
        },
      });
      console.log(`${name}: ${killed} times`);
      expect(killed).toBeGreaterThan(0);
    });
  }
});

it('a killed consumer of a letter leaves the letter to the next one', async () => {
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
