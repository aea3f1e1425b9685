import { setTimeout as delay } from 'node:timers/promises';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { SeededDice } from '../../localstack/seeded-dice.ts';
import type { DeployedStack } from '../support/deployed-stack.ts';
import { killFunction } from '../support/kill-function.ts';

export interface KillOptions {
  functions: readonly KilledFunction[];
  /** At most: none once the file's account is closed. */
  kills: number;
  /** Longest time for which a function works before it is killed. Milliseconds. */
  withinMs: number;
  fileId: string;
  dice: SeededDice;
}

/**
 * Whether a function is at work on the file, and on which piece: each is killed over once. One that is killed before
 * its handler began costs two minutes of waiting for its message and shows nothing.
 */
const pieces = {
  splitter: (file: FileAccount) => (file.state === 'splitting' ? `epoch ${file.epoch}` : undefined),
  consumer: (file: FileAccount) =>
    file.state === 'split' && !isSettled(file) ? `${file.settledBatches} settled` : undefined,
  finalizer: (file: FileAccount) => (isSettled(file) ? 'settled' : undefined),
};
export type KilledFunction = keyof typeof pieces;

const outputs = { splitter: 'TrafficSplitterName', consumer: 'TrafficConsumerName', finalizer: 'TrafficFinalizerName' };

/** Kills all processes of a function at moments that only the dice know. @returns how often there was one to kill */
export async function killAtRandom(stack: DeployedStack, options: KillOptions): Promise<number> {
  const { functions, kills, withinMs, fileId, dice } = options;
  const done = new Set<string>();
  let struck = 0;
  while (struck < kills) {
    const file = await stack.ledger.getFile(fileId);
    if (file?.manifest) break;
    const name = file && functions.find((each) => isDue(each, file, done));
    if (!name) {
      await delay(20);
      continue;
    }
    done.add(`${name} ${pieces[name](file) ?? ''}`);
    await delay(dice.next() * withinMs);
    if ((await killFunction(stack, stack.output(outputs[name]))) > 0) struck++;
  }
  return struck;
}

function isDue(name: KilledFunction, file: FileAccount, done: Set<string>): boolean {
  const piece = pieces[name](file);
  return piece !== undefined && !done.has(`${name} ${piece}`);
}

const isSettled = (file: FileAccount) => file.totalBatches !== undefined && file.settledBatches >= file.totalBatches;
