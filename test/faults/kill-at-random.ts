import { setTimeout as delay } from 'node:timers/promises';
import type { SeededDice } from '../../localstack/seeded-dice.ts';
import type { DeployedStack } from '../support/deployed-stack.ts';
import { killFunction } from '../support/kill-function.ts';

export interface KillOptions {
  /** The stack's outputs that name them. */
  functions: readonly string[];
  /** At most: none once the file's account is closed. */
  kills: number;
  /** The longest time between two, and before the first. Milliseconds. */
  everyMs: number;
  fileId: string;
  dice: SeededDice;
}

/** Kills all processes of one of these functions, at moments that only the dice know. @returns the processes killed */
export async function killAtRandom(stack: DeployedStack, options: KillOptions): Promise<number> {
  const { functions, kills, everyMs, fileId, dice } = options;
  let killed = 0;
  for (let strikes = 0; strikes < kills;) {
    await delay(dice.next() * everyMs);
    if ((await stack.ledger.getFile(fileId))?.manifest) break;
    const name = functions[Math.floor(dice.next() * functions.length)] as string;
    const struck = await killFunction(stack, stack.output(name));
    if (struck > 0) strikes++;
    killed += struck;
  }
  return killed;
}
