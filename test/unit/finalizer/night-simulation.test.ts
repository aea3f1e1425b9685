import { describe, expect, it } from 'vitest';
import type { FileAccount } from '../../../lambdas/core/account/file-account.ts';
import type { NightFile } from '../../../lambdas/core/nights/night-entry.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import type { WriteNightsPorts } from '../../../lambdas/finalizer/write-nights.ts';
import { SeededDice } from '../../../localstack/seeded-dice.ts';
import { NightWorld, receivedIn } from '../../support/night-world.ts';

class Killed extends Error {}

const minute = 60_000;

/** Files that come, end and change around deadlines, and finalizers that race, stall and are killed. */
class SimulatedNights {
  readonly world = new NightWorld();
  readonly #dice: SeededDice;
  /** When the index shows a file. */
  readonly #visibleAt = new Map<string, number>();
  kills = 0;

  constructor(seed: number) {
    this.#dice = new SeededDice(seed);
  }

  #below(limit: number): number {
    return Math.floor(this.#dice.next() * limit);
  }

  async run(nights: number): Promise<void> {
    const { world } = this;
    await world.at('2026-11-20T01:30:00Z').write();
    for (let night = 0; night < nights; night++) {
      world.now = Date.parse('2026-11-20T01:40:00Z') + night * 24 * 60 * minute;
      for (let step = 0; step < 12; step++) {
        world.now += this.#below(5 * minute);
        await this.#happen(`night${night}-step${step}`);
        // Some nights, the reconciler is off.
        if (night % 4 !== 2) await this.#race();
      }
    }
    world.now += 3 * 24 * 60 * minute;
    await world.writeAll();
  }

  async #happen(id: string): Promise<void> {
    const { world } = this;
    if (this.#below(3) > 0) {
      // By the clock of the splitter, which is wrong by up to ten minutes.
      await world.receive(id, this.#below(20 * minute) - 10 * minute);
      this.#visibleAt.set(id, world.now + this.#below(30 * minute));
    }
    const ids = [...this.#visibleAt.keys()];
    const some = ids[this.#below(ids.length)];
    if (some !== undefined) await world.close(some, 'completed', this.#below(2));
  }

  async #race(): Promise<void> {
    const many = 1 + this.#below(3);
    const runs = Array.from({ length: many }, () => this.world.write(this.#ports()));
    for (const { status, reason } of (await Promise.allSettled(runs)) as PromiseRejectedResult[]) {
      if (status === 'rejected' && !(reason instanceof Killed)) throw reason as Error;
    }
  }

  /** Each call takes some turns of the event loop; some finalizers are killed before one or after it. */
  #ports(): WriteNightsPorts {
    const skewMs = this.#below(4 * minute) - 2 * minute;
    const call = async (work: () => unknown): Promise<unknown> => {
      await this.#stall();
      const isKilled = this.#below(40) === 0;
      if (isKilled) this.kills++;
      if (isKilled && this.#below(2) === 0) throw new Killed();
      const answer = await work();
      await this.#stall();
      if (isKilled) throw new Killed();
      return answer;
    };
    const wrapped = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (target, name) => {
          const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
          return (...args: unknown[]) => call(() => Reflect.apply(method, target, args));
        },
      });
    const { ports } = this.world;
    const ledger = wrapped(ports.ledger);
    return {
      ...ports,
      ledger: new Proxy(ledger, {
        get: (target, name) =>
          name === 'eachFile'
            ? (...args: Parameters<WriteNightsPorts['ledger']['eachFile']>) =>
                this.#listed(ports.ledger.eachFile(...args))
            : (Reflect.get(target, name) as unknown),
      }),
      archive: wrapped(ports.archive),
      clock: { now: () => this.world.now + skewMs },
    };
  }

  async *#listed(files: AsyncIterable<FileAccount>): AsyncGenerator<FileAccount> {
    for await (const file of files) {
      if ((this.#visibleAt.get(file.fileId) ?? 0) > this.world.now) continue;
      // The index reads items as they were a while ago: without the newest mark.
      const { night: _night, ...before } = file;
      yield this.#below(4) === 0 ? before : file;
      if (this.#below(5) === 0) await this.#stall();
    }
  }

  async #stall(): Promise<void> {
    for (let turns = this.#below(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('nights under simulation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'with seed %i, each file is received in one entry, its last change is in one, and the chain is whole',
    async (seed) => {
      const simulated = new SimulatedNights(seed);
      await simulated.run(5);
      const { world } = simulated;
      const entries = world.entries();
      const files = world.ledger.files.values();
      const ids = receivedIn(entries).map((each) => each.split(' ')[0]);
      // Those that came before the first night are the past.
      const isPast = ({ night }: FileAccount): boolean => night?.entry === 0;
      expect(ids.toSorted()).toEqual(
        files
          .filter((file) => !isPast(file))
          .map(({ fileId }) => fileId)
          .sort(),
      );
      const last = new Map<string, NightFile>();
      for (const { received, earlier } of entries) {
        for (const file of [...received, ...earlier]) last.set(file.file_id, file);
      }
      for (const file of files.filter((each) => !isPast(each))) {
        expect(last.get(file.fileId)?.manifest?.number, file.fileId).toBe(file.manifest?.number);
      }
      world.texts().forEach((text, n, texts) => {
        expect(world.entries()[n]).toMatchObject({
          number: n + 1,
          previous_sha256: n === 0 ? null : sha256Of(texts[n - 1] ?? ''),
        });
        expect(text.endsWith('\n')).toBe(true);
      });
      expect(simulated.kills).toBeGreaterThan(0);
      expect(entries.length).toBeGreaterThanOrEqual(7);
    },
  );
});
