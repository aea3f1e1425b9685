import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import { AwsFaultError } from '../../lambdas/core/errors.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import type { LogRow } from './log-rows.ts';
import type { NightEnd } from './revision-morning.ts';
import { checkMorning, idOf } from './revision-morning.ts';
import type { Drop, WorldSettings } from './revision-world.ts';
import { RevisionWorld } from './revision-world.ts';
import type { ChangedRecords } from './scheduling-api.ts';
import type { Service, Step } from './steps.ts';
import { KilledError } from './steps.ts';

/** What a seed's night is like. */
export interface Night {
  changed: ChangedRecords;
  settings: WorldSettings;
  /** The chance of a function to be killed at a step. */
  kills: number;
  /** The chance that another function runs in the middle of a step. */
  meanwhile: number;
  outages: Outage[];
  revisions: LogRow[][];
  drops: (Drop & { afterMs: number })[];
  /** The queue holds at most so many records of a file. */
  horizon: number | undefined;
  /** One process handles all messages, and keeps its latest plan. */
  isOneProcess: boolean;
  cancels: number;
  deploys: ('renamed' | 'lenient')[];
}

/** A while in which a service fails. Milliseconds since the night began. */
interface Outage {
  service: Service;
  from: number;
  until: number;
  /** Shares of calls that are not made; that are made without an answer; and that the client makes again. */
  failed: number;
  lost: number;
  again: number;
}

const minute = 60_000;

type Pick = <T>(from: readonly T[]) => T;

/** @param seed the same one makes the same night */
export function nightOf(seed: number): Night {
  const dice = new SeededDice(seed);
  const has = (chance: number): boolean => dice.next() < chance;
  const upTo = (count: number): number => Math.floor(dice.next() * count);
  const api = dice.next();
  const changed = api < 0.3 ? 'replaces' : api < 0.65 ? 'supersedes' : 'doubles';
  const revisions = [
    Array.from({ length: 4 + upTo(9) }, (_, n) => ({ spot: `S${n + 1}`, client: `Client ${upTo(4)}` })),
  ];
  for (let n = 1 + (has(0.5) ? 0 : 1 + upTo(2)); n > 0; n--)
    revisions.push(nextRevision(revisions, dice, changed !== 'doubles'));
  const isNumbered = has(0.75);
  const columns = has(0.6) ? { columns: 'jsonl' } : {};
  let afterMs = 0;
  const drops = revisions.map((): Night['drops'][number] => {
    const drop = { afterMs, lateMs: has(0.15) ? upTo(20 * minute) : 0, isGzip: has(0.1) };
    afterMs += has(0.5) ? 1 : upTo(5 * minute);
    return { ...drop, ...columns, lane: has(0.3) ? 'express' : 'main' };
  });
  const outageOf = (service: Service): Outage => {
    const from = upTo(Math.max(minute, afterMs));
    const hard = has(0.3);
    const until = from + (hard ? upTo(20 * minute) : upTo(2 * minute));
    return { service, from, until, failed: hard ? 0.8 : 0.3 * dice.next(), lost: 0.3 * dice.next(), again: 0.1 };
  };
  const outages = has(0.25) ? Array.from({ length: 1 + upTo(2) }, () => outageOf(awsServices[upTo(3)] ?? 's3')) : [];
  if (has(0.15)) outages.push(outageOf('api'));
  return {
    ...{ changed, revisions, drops, outages },
    settings: {
      // A person knows that an API replaces records by a key; without the header, no API supersedes one.
      isDeclared: changed === 'supersedes' || (changed === 'replaces' && has(0.6)),
      // Without a number, the newer one is that which S3 stored later.
      pattern: isNumbered ? 'log_R{#}.csv' : 'log_*.csv',
      // At a slow API, other functions come in between two requests.
      limit: { requests: has(0.1) ? 60 : 60_000, windowSeconds: 60 },
    },
    kills: has(0.6) ? 0.003 : 0,
    meanwhile: has(0.6) ? 0.02 : 0,
    horizon: has(0.2) ? 4 : undefined,
    isOneProcess: has(0.3),
    cancels: upTo(3),
    // A known limit: where the API keeps both, a row that only new rules accept may be there twice.
    deploys: has(0.3) ? [has(0.5) && changed === 'replaces' ? 'lenient' : 'renamed'] : [],
  };
}

const awsServices: readonly Service[] = ['dynamodb', 's3', 'sqs'];

/** A log that is exported again: edited, with rows added, removed, repeated or damaged, or unchanged. */
function nextRevision(before: readonly (readonly LogRow[])[], dice: SeededDice, replaces: boolean): LogRow[] {
  const pick: Pick = (from) => from[Math.floor(dice.next() * from.length)] as (typeof from)[number];
  // Dropped again with the same bytes.
  if (dice.next() < 0.15) return [...pick(before)];
  const base = dice.next() < 0.2 ? pick(before) : (before.at(-1) ?? []);
  const rows = base.map(({ spot, client }): LogRow => ({ spot, client }));
  for (let changes = Math.floor(dice.next() * 4); changes > 0; changes--) {
    const at = Math.floor(dice.next() * rows.length);
    const what = dice.next();
    if (what < 0.35 && rows[at] && replaces)
      rows[at] = { spot: rows[at].spot, client: `Client ${Math.floor(dice.next() * 4)}` };
    else if (what < 0.5) rows.splice(at, 1);
    else if (what < 0.7) rows.push({ spot: `A${Math.floor(dice.next() * 1000)}`, client: 'Added' });
    else if (what < 0.8 && rows[at] && replaces)
      rows.push({ spot: rows[at].spot, client: dice.next() < 0.5 ? rows[at].client : 'Twice' });
    else if (rows[at]) rows[at] = { ...rows[at], isDamaged: true };
  }
  // Otherwise other bytes than any before it.
  return [...rows, { spot: `N${before.length}`, client: 'Note' }];
}

/** Lets a night pass, with all that can go wrong in it, and checks what is left in the morning. @throws Error that says what is wrong */
export async function passNight(seed: number): Promise<NightEnd> {
  const passing = new PassingNight(seed, nightOf(seed));
  await passing.pass();
  const { world, night, corrected, isDeployed } = passing;
  return checkMorning({
    world,
    revisions: night.revisions,
    corrected,
    isDeployed,
    replaces: night.changed !== 'doubles',
  });
}

/** A night, and the people in it. */
class PassingNight {
  readonly night: Night;
  readonly world: RevisionWorld;
  /** Spots that a person has corrected a record to, by file and record. */
  readonly corrected = new Map<string, Set<string>>();
  isDeployed = false;
  readonly #dice: SeededDice;
  /** Apart from the others', so that other answers change nothing else. */
  readonly #answers: SeededDice;
  /** Of their own too: which people go on without an earlier file before they must. */
  readonly #hurries: SeededDice;
  /** How often they can decide that a revision goes on. */
  #decisions = 4;
  readonly #late: RevisionWorld['queue'] = [];
  readonly #beganAt: number;
  readonly #replaces: boolean;
  readonly #cleaned = new Set<number>();
  /** Spots that a completed revision no longer has, and that are still there. */
  readonly #reported = new Set<string>();
  #isMorning = false;
  #cancels: number;
  readonly #deploys: Night['deploys'];

  constructor(seed: number, night: Night) {
    this.night = night;
    this.#dice = new SeededDice(seed + 0x5eed);
    this.#answers = new SeededDice(-seed);
    this.#hurries = new SeededDice(seed + 0x4a57e);
    this.#replaces = night.changed !== 'doubles';
    this.#cancels = night.cancels;
    this.#deploys = [...night.deploys];
    const world = (this.world = new RevisionWorld(night.changed, night.settings));
    this.#beganAt = world.clock.now();
    if (night.horizon !== undefined) world.limitQueue(night.horizon);
    if (night.isOneProcess) world.plans = new LatestPlan();
    world.onStep = (step) => this.#onStep(step);
    world.api.turn = () => this.#turn();
    world.onHandled = () => {
      this.#removeByHand();
      this.#lose();
    };
  }

  async pass(): Promise<void> {
    const { world, night } = this;
    for (const [index, rows] of night.revisions.entries()) {
      const { afterMs = 0, ...how } = night.drops[index] ?? {};
      world.drop(index + 1, rows, afterMs, how);
    }
    const pick = (due: number) => {
      this.#meddle();
      return this.#pick(due);
    };
    await world.run(pick);
    this.#isMorning = true;
    world.queue.push(...this.#late);
    for (let round = 0; round < 4; round++) {
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
      for (const [index] of night.revisions.entries()) this.#answer(index, round);
      await world.run(pick);
      // Without a killed function and an outage, no file may need it.
      if (night.kills > 0 || night.outages.length > 0) await world.reconcile();
      await world.run(pick);
    }
  }

  #has(chance: number): boolean {
    return this.#dice.next() < chance;
  }

  #upTo(count: number): number {
    return Math.floor(this.#dice.next() * count);
  }

  #pick(due: number): { index: number; isRepeated: boolean } {
    return { index: this.#upTo(due), isRepeated: this.#has(0.05) };
  }

  async #onStep({ service, when }: Step): Promise<void | 'again'> {
    const { world, night } = this;
    if (this.#isMorning) return;
    if (night.kills > 0 && this.#has(night.kills)) throw new KilledError('killed');
    const outage = service === 'api' ? undefined : this.#outageOf(service);
    if (outage) {
      if (this.#has(when === 'before' ? outage.failed : outage.lost)) throw new AwsFaultError('Outage', service);
      if (when === 'after' && this.#has(outage.again)) return 'again';
    }
    if (night.meanwhile === 0 || world.depth > 2 || !this.#has(night.meanwhile)) return;
    const due = world.countDue();
    if (due === 0) return;
    const { index, isRepeated } = this.#pick(due);
    await world.handle(index, isRepeated);
  }

  #outageOf(service: Service): Outage | undefined {
    const now = this.world.clock.now() - this.#beganAt;
    return this.night.outages.find((each) => each.service === service && each.from <= now && now < each.until);
  }

  #turn(): ReturnType<RevisionWorld['api']['turn']> {
    if (this.#isMorning) return undefined;
    const outage = this.#outageOf('api');
    if (outage && this.#has(outage.failed)) {
      return this.#has(0.5) ? 'store-and-fail' : { kind: 'failed', status: 503, reason: 'http_503', ambiguous: true };
    }
    const chance = this.#dice.next();
    if (chance < 0.02) return 'store-and-fail';
    if (chance < 0.04) return { kind: 'refused', status: 422, answer: 'no contract' };
    if (chance < 0.05) return { kind: 'failed', status: 503, reason: 'http_503', ambiguous: false };
    return undefined;
  }

  /** What people do at any moment. */
  #meddle(): void {
    const { world, night } = this;
    if (world.dlq.length > 0 && this.#has(0.05)) {
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
    }
    const held = night.revisions.findIndex((_, index) => world.ledger.files.get(idOf(index))?.state === 'quarantined');
    // A person knows that the API replaces a changed record. What is not known would be there twice without a key.
    const isKnown = world.ledger.files.get(idOf(held))?.quarantine?.code !== 'revision_unknown';
    const isSafe = this.#replaces && (isKnown || night.changed === 'replaces');
    if (held >= 0 && isSafe && this.#has(0.1)) world.askToRelease(idOf(held), this.#all());
    this.#goWithout();
    if (this.#has(0.04)) void this.#correct().catch(() => undefined);
    if (this.#cancels > 0 && this.#has(0.02)) {
      this.#cancels--;
      world.askToCancel(idOf(this.#upTo(night.revisions.length)));
    }
    if (this.#deploys.length > 0 && this.#has(0.02)) {
      const rules = this.#deploys.pop();
      this.isDeployed ||= rules === 'lenient';
      world.deploy(rules);
    }
  }

  /** A person lets a revision go on without the one that it waits for. */
  #goWithout(): void {
    const { world, night } = this;
    const ids = night.revisions.map((_, index) => idOf(index));
    const fileId = ids.find((id) => world.ledger.files.get(id)?.waitsFor);
    if (fileId === undefined || this.#decisions === 0 || this.#hurries.next() > 0.3) return;
    this.#decisions--;
    const others = ids.filter((id) => id !== fileId);
    // Usually the one that it waits for; any other is refused, or is waited for as well.
    const earlier = this.#hurries.next() < 0.7 ? world.file(fileId).waitsFor?.fileId : undefined;
    const any = others[Math.floor(this.#hurries.next() * others.length)] ?? '';
    world.askToGoWithout(fileId, earlier ?? any);
  }

  /** Sometimes nothing closes a file that another one goes on without, before the morning: its messages are late. */
  #lose(): void {
    const { world } = this;
    const left = world.ledger.files
      .values()
      .find(({ abandonedFor, state }) => abandonedFor && state.startsWith('split'));
    if (left && !this.#isMorning && this.#hurries.next() < 0.1) this.#late.push(...world.takeMessages(left.fileId));
  }

  /** An API that does not keep both of a record can be sent all of them. */
  #all(): 'all' | 'changes' {
    return this.#answers.next() < 0.3 ? 'all' : 'changes';
  }

  /** A person corrects a row that has failed, sometimes to another spot. */
  async #correct(): Promise<void> {
    const { world, night } = this;
    const number = this.#upTo(night.revisions.length);
    const record = 1 + this.#upTo(14);
    const isOther = this.#has(0.3);
    const fileId = idOf(number);
    const row = night.revisions[number]?.[record - 1];
    if (!row || (await world.ledger.getDead(fileId, record))?.state !== 'dead') return;
    const spot = isOther ? `C${record}` : row.spot;
    const place = `${fileId}/${record}`;
    this.corrected.set(place, (this.corrected.get(place) ?? new Set()).add(spot));
    await world.correct(fileId, record, isOther ? { spot, client: 'Corrected' } : row);
  }

  /** In the morning, a person decides about what is held. */
  #answer(index: number, round: number): void {
    const fileId = idOf(index);
    const { failure } = this.world.manifestOf(fileId) ?? {};
    const code = failure?.code;
    // What came late of the earlier one has closed it by then, so that its entries are known.
    if (code === 'revision_unknown' && round > 0 && this.#replaces) this.world.askToRelease(fileId, 'all');
    // It has stopped an earlier one that was sent whole, and is held itself: what both have waits for a person.
    const hasStopped = code === 'revision_differs' && this.world.ledger.files.get(fileId)?.guard === 'passed';
    // So is one after a file that another one went on without: what is in doubt, or was not sent, counts as changed.
    const isInDoubt = code === 'revision_differs' && this.world.ledger.files.values().some((each) => each.abandonedFor);
    const isHeld = (hasStopped || isInDoubt) && this.#replaces;
    const isDecided = code === 'cancelled' || code === 'rules_changed' || isHeld;
    // Where the API keeps both of a changed record, a person does not ask for the changes.
    const plainly = code === 'cancelled' ? undefined : ('changes' as const);
    if (isDecided) this.world.askToRelease(fileId, this.#replaces ? this.#all() : plainly);
  }

  /** A person removes the records that a completed revision no longer has. */
  #removeByHand(): void {
    const { api } = this.world;
    for (const [index, rows] of this.night.revisions.entries()) {
      const manifest = this.#cleaned.has(index) ? undefined : this.world.manifestOf(idOf(index));
      if (manifest?.state !== 'completed') continue;
      this.#cleaned.add(index);
      const own = new Set(rows.map(({ spot }) => spot));
      for (const spot of this.#removedOf(manifest)) this.#reported.add(spot);
      // The row of a spot that was reported may be there, damaged: the person waits for the next export.
      for (const spot of this.#reported) {
        if (own.has(spot)) continue;
        api.remove(spot);
        this.#reported.delete(spot);
      }
    }
  }

  /** As the list of changes says; a file that is sent whole has none, and the person compares. */
  #removedOf({ comparison }: Manifest): Iterable<string> {
    const { world, corrected } = this;
    if (!comparison) return world.api.schedule.keys();
    const list = world.archived.get(comparison.changes_key)?.toString() ?? '';
    return list.split('\r\n').flatMap((row) => {
      const [change, file, record] = row.split(',');
      if (change !== 'removed') return [];
      const spot = /"\[""([^"]*)"/.exec(row)?.[1];
      return spot === undefined ? [...(corrected.get(`${file}/${record}`) ?? [])] : [spot];
    });
  }
}
