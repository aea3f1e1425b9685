import type { Context, SQSEvent } from 'aws-lambda';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import { AwsFaultError } from '../../lambdas/core/errors.ts';
import { announcementOf } from '../../lambdas/intake-message.ts';
import { openingMs } from '../../lambdas/ledger/bundle-ledger.ts';
import { openLedger } from '../../lambdas/ledger/open-ledger.ts';
import type { ItemStore } from '../../lambdas/ports.ts';
import { Shutdown } from '../../lambdas/runtime/shutdown.ts';
import { createSplitterHandler } from '../../lambdas/splitter/handler.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import type { BundleWorld } from './bundle-world.ts';
import { bundleWorld } from './bundle-world.ts';
import { waitingOn } from './in-memory-ports.ts';
import { maintenanceRecord } from './maintenance-records.ts';
import { SimulatedClock } from './simulated-clock.ts';

/** Shares of the splitters' calls. */
export interface BundleFaults {
  /** The splitter is killed before the call or after it, or it is killed and the call is made much later. */
  killed: number;
  /** The call is made and its answer lost: the SDK repeats it, or gives up. */
  lost: number;
  /** The call takes seconds or minutes, before it is made or after it. */
  stalled: number;
  /** S3 announces a file twice. */
  twice: number;
  /** Another sender announces it, without its size. */
  unsized: number;
}

interface Message {
  body: string;
  visibleAt: number;
  receives: number;
}

interface Life {
  isDead: boolean;
  kill: () => void;
  death: Promise<void>;
}

const functionMs = 900_000;
const never = new Promise<never>(() => undefined);

/** Splitters of small files, several at once, each of whose calls may fail, over one intake queue that delivers in any order. */
export class BundleSimulation {
  readonly sources: SourceObject[] = [];
  readonly world: BundleWorld;
  kills = 0;
  /** Messages that came back because another splitter had not opened its bundle yet. */
  pending = 0;
  readonly #clock = new SimulatedClock(undefined, 1);
  readonly #dice: SeededDice;
  readonly #faults: BundleFaults;
  readonly #queue = new Set<Message>();
  #atWork = 0;

  constructor(seed: number, faults: BundleFaults) {
    this.#dice = new SeededDice(seed);
    this.#faults = faults;
    this.world = bundleWorld(this.#clock);
  }

  async run(files: number): Promise<void> {
    for (let n = 1; n <= files; n++) {
      const source = this.world.drop(`r-${n}.json`, JSON.stringify(maintenanceRecord(`MR-${n}`)));
      this.sources.push(source);
      for (let copy = 0; copy < (this.#happens(this.#faults.twice) ? 2 : 1); copy++) this.#announce(source);
    }
    const end = this.#clock.now() + 20 * 3_600_000;
    const splitters = Array.from({ length: 3 }, async () => {
      while (this.#queue.size > 0 || this.#atWork > 0) {
        if (this.#clock.now() > end) throw new Error(`${this.#queue.size} messages are left after 20 hours.`);
        await this.#invoke();
      }
    });
    await this.#clock.run(Promise.all(splitters));
  }

  #announce(source: SourceObject): void {
    const body = announcementOf(source) as { Records: { s3: { object: object } }[] };
    const unsized = this.#happens(this.#faults.unsized) ? { size: undefined, eTag: undefined } : {};
    for (const { s3 } of body.Records) Object.assign(s3.object, { sequencer: source.sequencer, ...unsized });
    this.#queue.add({
      body: JSON.stringify(body),
      visibleAt: this.#clock.now() + this.#between(0, 4_000),
      receives: 0,
    });
  }

  /** Some of the visible messages, in any order. */
  #receive(): Message[] {
    const visible = [...this.#queue].filter(({ visibleAt }) => visibleAt <= this.#clock.now());
    const most = this.#between(1, 8);
    const some: Message[] = [];
    while (visible.length > 0 && some.length < most)
      some.push(...visible.splice(this.#between(0, visible.length - 1), 1));
    return some;
  }

  async #invoke(): Promise<void> {
    const messages = this.#receive();
    if (messages.length === 0) return this.#clock.sleep(1_000);
    this.#atWork++;
    const life: Life = { isDead: false, kill: () => undefined, death: never };
    life.death = new Promise((resolve) => {
      life.kill = () => {
        life.isDead = true;
        this.kills++;
        resolve();
      };
    });
    const until = this.#clock.now() + functionMs;
    for (const message of messages) Object.assign(message, { visibleAt: until, receives: message.receives + 1 });
    const timer = new AbortController();
    void this.#clock.sleep(functionMs, timer.signal).then(() => (timer.signal.aborted ? undefined : life.kill()));
    const response = await Promise.race([this.#handle(messages, life, until), life.death]);
    timer.abort();
    this.#atWork--;
    if (!response) return;
    const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => Number(itemIdentifier)));
    messages.forEach((message, index) => {
      if (!failed.has(index)) this.#queue.delete(message);
    });
  }

  #handle(messages: Message[], life: Life, until: number) {
    const { ports } = this.world;
    const call = <T>(make: () => Promise<T>): Promise<T> => this.#call(life, make);
    const back = (receipt: string, seconds: number): void => {
      const message = messages[Number(receipt)] as Message;
      message.visibleAt = this.#clock.now() + seconds * 1000;
    };
    const handle = createSplitterHandler({
      ...ports,
      ledger: openLedger(this.#unreliable(life), this.#clock),
      bundles: {
        placeOf: (name) => ports.bundles.placeOf(name),
        putBundle: (name, bytes) => call(() => ports.bundles.putBundle(name, bytes)),
      },
      batches: { ...ports.batches, sendBatches: (batches) => call(() => ports.batches.sendBatches(batches)) },
      intake: {
        send: (body, seconds) =>
          call(async () => {
            this.#queue.add({
              body: JSON.stringify(body),
              visibleAt: this.#clock.now() + seconds * 1000,
              receives: 0,
            });
          }),
      },
      finalize: { send: () => call(async () => undefined) },
      shutdown: new Shutdown(() => undefined),
      waiting: waitingOn(this.#clock),
      inFlight: {
        changeVisibility: (receipt, seconds) =>
          call(async () => {
            if (seconds <= openingMs / 1000) this.pending++;
            back(receipt, seconds);
          }),
        putBack: (body, _group, note) =>
          call(async () => {
            this.#queue.add({ body, visibleAt: this.#clock.now() + note.delaySeconds * 1000, receives: 0 });
          }),
      },
    });
    const Records = messages.map((message, index) => ({
      messageId: String(index),
      receiptHandle: String(index),
      body: message.body,
      attributes: {
        ApproximateReceiveCount: String(message.receives),
        SentTimestamp: String(this.#clock.now()),
      },
    }));
    const context = { getRemainingTimeInMillis: () => until - this.#clock.now() } as Context;
    return handle({ Records } as unknown as SQSEvent, context);
  }

  #unreliable(life: Life): ItemStore {
    const { store } = this.world.ports.ledger;
    const call = <T>(make: () => Promise<T>): Promise<T> => this.#call(life, make);
    return {
      read: (key) => call(() => store.read(key)),
      readAll: (keys) => call(() => store.readAll(keys)),
      update: (key, change) => call(() => store.update(key, change)),
      put: (key, item) => call(() => store.put(key, item)),
      updateAll: (writes) => call(() => store.updateAll(writes)),
      query: (...place) => store.query(...place),
      list: (listPk, order, about, before) => store.list(listPk, order, about, before),
    };
  }

  async #call<T>(life: Life, make: () => Promise<T>): Promise<T> {
    if (life.isDead) return never;
    await this.#clock.sleep(this.#between(1, 400) + this.#stall());
    if (this.#happens(this.#faults.killed)) {
      const when = this.#between(0, 2);
      if (when === 1) await make().catch(() => undefined);
      // It was on its way when the splitter died.
      if (when === 2) void this.#clock.sleep(this.#between(0, 120_000)).then(() => make().catch(() => undefined));
      life.kill();
    }
    if (life.isDead) return never;
    let answer = await make();
    await this.#clock.sleep(this.#stall());
    if (this.#happens(this.#faults.lost)) {
      await this.#clock.sleep(this.#between(1_000, 20_000));
      if (life.isDead) return never;
      if (this.#happens(0.3)) throw new AwsFaultError('TimeoutError', 'no answer');
      answer = await make();
    }
    return life.isDead ? never : answer;
  }

  #stall(): number {
    return this.#happens(this.#faults.stalled / 2) ? this.#between(5_000, 400_000) : 0;
  }

  #happens(share: number): boolean {
    return this.#dice.next() < share;
  }

  /** Both included. */
  #between(least: number, most: number): number {
    return least + Math.floor(this.#dice.next() * (most - least + 1));
  }
}
