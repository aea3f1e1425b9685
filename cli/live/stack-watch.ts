import type { CurrentStack, Followed } from '../stack/current-stack.ts';
import { explainFault } from '../stack/explain-fault.ts';
import type { OpenStack } from '../stack/open-stack.ts';
import type { Snapshot } from './snapshot.ts';

/** @param settingsTrouble why the stack's settings cannot be read at present */
export type OpenReader<S> = (stack: S, settingsTrouble: () => string | undefined) => { look: () => Promise<Snapshot> };

/**
 * Reads snapshots for as long as a screen is open, of the stack as it is deployed at the time: a new deployment changes
 * limits and deadlines, and a local cloud may be started again on another port.
 */
export class StackWatch<S extends Followed = OpenStack> {
  readonly #current: CurrentStack<S>;
  readonly #open: OpenReader<S>;
  #opened: { stack: S; reader: ReturnType<OpenReader<S>> } | undefined;

  constructor(current: CurrentStack<S>, open: OpenReader<S>) {
    this.#current = current;
    this.#open = open;
  }

  async look(): Promise<Snapshot> {
    const stack = await this.#current.get();
    try {
      if (this.#opened?.stack !== stack) this.#opened = { stack, reader: this.#open(stack, () => this.#trouble()) };
      return await this.#opened.reader.look();
    } catch (error) {
      this.#current.readFailed();
      // Without the stack nothing can be read: that it is gone is the better explanation.
      throw this.#current.trouble ?? error;
    }
  }

  #trouble(): string | undefined {
    const { trouble } = this.#current;
    return trouble === undefined ? undefined : explainFault(trouble);
  }
}
