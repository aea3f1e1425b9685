import { AsyncLocalStorage } from 'node:async_hooks';
import { awsFaultOf } from '../../lambdas/core/aws-fault.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import type { Clock } from '../../lambdas/ports.ts';

export type Service = 'dynamodb' | 's3' | 'sqs' | 'api';

/** A function's call of a service: before it is made, or, if it changes something, after. */
export interface Step {
  service: Service;
  call: string;
  when: 'before' | 'after';
  /** The kind of message that the function handles; undefined for a person. */
  by: string | undefined;
}

/**
 * Decides what happens at a step. An AWS fault that it throws is the call's error: after the step, the change is made and
 * its answer lost. Any other error kills the function. `again`: the client gets no answer, and makes the call once more.
 */
export type OnStep = (step: Step) => void | 'again' | Promise<void | 'again'>;

/** Lambda ends an invocation after this. Milliseconds. */
const invocationMs = 15 * 60_000;
/** No work is begun so close to the end. Milliseconds. */
const reservedMs = 60_000;

const isRead = (call: string): boolean => /^(get|has|head|is|list|query|read|stopped)/.test(call);

/** A function was killed, or its time is over. */
export class KilledError extends Error {}

interface Invocation {
  by: string;
  endsAt: number;
  isDead: boolean;
}

/** The one that a call is part of. One store for all: contexts of promises keep those of the nights before. */
const invocations = new AsyncLocalStorage<Invocation>();

/** Functions in steps: each call of a port is a place to die, to meet a fault, or to let another function run meanwhile. */
export class Steps {
  onStep: OnStep = () => undefined;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Runs a function. Once it is killed, or its time is over, none of its calls has an effect. @param by as a step has it */
  run<T>(by: string, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const invocation = { by, endsAt: this.#clock.now() + invocationMs, isDead: false };
    const remainingMs = () => invocation.endsAt - this.#clock.now();
    const deadline = { remainingMs, isDrawingIn: () => remainingMs() < reservedMs };
    return invocations.run(invocation, () => work(deadline));
  }

  /** The port with a step before each call, and after each that changes something. */
  around<T extends object>(service: Service, port: T): T {
    const made = new Map<PropertyKey, unknown>();
    return new Proxy<T>(port, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function' || typeof name !== 'string') return value;
        const known = made.get(name);
        if (known) return known;
        const bound = value.bind(target) as Method;
        const isStream = value.constructor.name === 'AsyncGeneratorFunction';
        const method = isStream ? this.#streaming(service, name, bound) : this.#stepping(service, name, bound);
        made.set(name, method);
        return method;
      },
    });
  }

  #stepping(service: Service, call: string, method: Method): Method {
    const before = { service, call, when: 'before' } as const;
    if (isRead(call)) return async (...all) => (await this.#take(before), method(...all));
    const after = { ...before, when: 'after' } as const;
    return async (...all) => {
      await this.#take(before);
      const result = await method(...all);
      const isLost = (await this.#take(after)) === 'again';
      // A transaction has a token: it is made once.
      return isLost && call !== 'updateAll' ? method(...all) : result;
    };
  }

  #streaming(service: Service, call: string, method: Method): Method {
    const take = () => this.#take({ service, call, when: 'before' });
    return async function* (...all) {
      await take();
      yield* method(...all) as AsyncIterable<unknown>;
    };
  }

  async #take(step: Omit<Step, 'by'>): Promise<void | 'again'> {
    const invocation = invocations.getStore();
    this.#throwIfDead(invocation);
    try {
      const decided = await this.onStep({ ...step, by: invocation?.by });
      this.#throwIfDead(invocation);
      return decided;
    } catch (error) {
      if (invocation && !awsFaultOf(error)) invocation.isDead = true;
      throw error;
    }
  }

  #throwIfDead(invocation: Invocation | undefined): void {
    if (invocation && (invocation.isDead || this.#clock.now() > invocation.endsAt)) throw new KilledError('killed');
  }
}

type Method = (...all: unknown[]) => unknown;
