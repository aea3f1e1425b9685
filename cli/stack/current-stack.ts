import type { Clock } from '../../lambdas/ports.ts';
import { CliError } from '../cli-error.ts';
import type { Target } from './choose-target.ts';
import { chooseTarget } from './choose-target.ts';
import { readLocalStacks } from './local-stacks.ts';
import type { OpenStack } from './open-stack.ts';
import { openStack, openTarget } from './open-stack.ts';
import { stateDirOf } from './state-dir.ts';
import { sluice } from '../terminal/sluice-command.ts';

/** Interval between lookups, each one request to CloudFormation. Milliseconds. */
const lookUpEveryMs = 60_000;
/** The same while reads fail. Milliseconds. */
const lookUpAfterFailureMs = 5_000;

/** What identifies a deployment of a stack: another one needs another `OpenStack`. */
export type Followed = Pick<OpenStack, 'target' | 'outputs' | 'readOutputs'>;

export interface FollowPorts<S extends Followed> {
  /** Where the stack is now. @throws CliError if it is gone */
  locate: () => Target;
  open: (target: Target) => Promise<S>;
  clock: Pick<Clock, 'now'>;
}

/**
 * A stack for a command that stays open for hours. It is looked up again every minute and after a failure: a deployment
 * may have changed its settings, and its local cloud may have been started again on another port.
 */
export class CurrentStack<S extends Followed = OpenStack> {
  readonly #ports: FollowPorts<S>;
  #stack: S;
  #trouble: unknown;
  #lookedUpAt: number;
  #hasFailed = false;
  #inProgress: Promise<void> | undefined;

  constructor(stack: S, ports: FollowPorts<S>) {
    this.#stack = stack;
    this.#ports = ports;
    this.#lookedUpAt = ports.clock.now();
  }

  /** The stack as it was when it was last looked up; the same object as long as nothing has changed. */
  async get(): Promise<S> {
    const everyMs = this.#hasFailed ? lookUpAfterFailureMs : lookUpEveryMs;
    if (this.#ports.clock.now() - this.#lookedUpAt >= everyMs) {
      await (this.#inProgress ??= this.#lookUp().finally(() => (this.#inProgress = undefined)));
    }
    return this.#stack;
  }

  /** A read of the stack has failed: it is looked up again soon. */
  readFailed(): void {
    this.#hasFailed = true;
  }

  /** Why the last lookup failed; undefined if it succeeded. */
  get trouble(): unknown {
    return this.#trouble;
  }

  async #lookUp(): Promise<void> {
    try {
      const target = this.#ports.locate();
      const known = this.#stack;
      const isThere = isSame(target, known.target);
      const isUnchanged = isThere && known.outputs.hasValues(await known.readOutputs());
      if (!isUnchanged) this.#stack = await this.#ports.open(target);
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = error;
    }
    this.#hasFailed = this.#trouble !== undefined;
    this.#lookedUpAt = this.#ports.clock.now();
  }
}

const isSame = (one: Target, other: Target): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * Opens a stack and follows it.
 * @throws CliError if there is no such stack, or no answer
 */
export async function followStack(
  name: string | undefined,
  env: NodeJS.ProcessEnv,
  clock: Pick<Clock, 'now'>,
): Promise<CurrentStack> {
  const stack = await openStack(name, env);
  return new CurrentStack(stack, { locate: () => locateAgain(stack.target, env), open: openTarget, clock });
}

/** A command never changes to another stack, or from a local cloud to AWS. */
export function locateAgain(known: Target, env: NodeJS.ProcessEnv): Target {
  if (known.kind === 'aws') return known;
  const local = readLocalStacks(stateDirOf(env));
  const target = chooseTarget({ stack: known.stackName, env, local });
  if (target.kind === 'endpoint') return target;
  throw new CliError(
    `The stack ${known.stackName} was removed from this machine. Deploy it again with \`${sluice} up\`.`,
  );
}
