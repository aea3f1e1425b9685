import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { hasPlan } from '../../lambdas/core/series/revision.ts';
import { LatestPlan } from '../../lambdas/splitter/latest-plan.ts';
import { AwsFaultError } from '../../lambdas/core/errors.ts';
import { SeededDice } from '../../localstack/seeded-dice.ts';
import type { Night, Outage } from './draw-revision-night.ts';
import { nightOf } from './draw-revision-night.ts';
import type { NightEnd } from './revision-morning.ts';
import { checkMorning, idOf } from './revision-morning.ts';
import { RevisionWorld } from './revision-world.ts';
import { revisionOf } from './scheduling-api.ts';
import type { Service, Step } from './steps.ts';
import { KilledError } from './steps.ts';

/** A request ends within this, and the lease of a batch is longer. Milliseconds. */
const longestRequestMs = 30_000;

/** A function that waits for DynamoDB, or for a slot of the limit, goes on within the time of its invocation. Milliseconds. */
const longestHangMs = 12 * 60_000;

/** Messages that others handle while a function hangs. */
const maxMeanwhile = 40;

/** What people ask for, and what follows: few messages, which meet kills and each other more often than the others. */
const rare = new Set<string | undefined>(['release', 'cancel', 'without', 'reemit', 'letter', 'correction']);
const oftener = 8;

/**
 * Lets the night of a seed pass, with all that can go wrong in it, and checks what is left in the morning.
 * @throws Error that says what is wrong
 */
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
  readonly #roomFor = new Set<string>();
  /** Spots that a completed revision no longer has, and that are still there. */
  readonly #reported = new Set<string>();
  #isMorning = false;
  /** Nothing fails any more. */
  #isQuiet = false;
  #isHanging = false;
  #cancels: number;
  #redrives: number;
  readonly #deploys: Night['deploys'];

  constructor(seed: number, night: Night) {
    this.night = night;
    this.#dice = new SeededDice(seed + 0x5eed);
    this.#answers = new SeededDice(-seed);
    this.#hurries = new SeededDice(seed + 0x4a57e);
    this.#replaces = night.changed !== 'doubles';
    this.#cancels = night.cancels;
    this.#redrives = night.redrives;
    this.#deploys = [...night.deploys];
    const world = (this.world = new RevisionWorld(night.changed, night.settings));
    this.#beganAt = world.clock.now();
    if (night.horizon !== undefined) world.limitQueue(night.horizon);
    if (night.isOneProcess) world.plans = new LatestPlan();
    world.onStep = (step) => this.#onStep(step);
    world.api.turn = () => this.#turn();
    world.api.down = () => this.#down();
    world.onHandled = () => {
      this.#makeRoom();
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
    await world.run(this.#next);
    this.#isMorning = true;
    world.queue.push(...this.#late);
    for (let round = 0; round < 5; round++) {
      this.#isQuiet = round > 0;
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
      for (const [index] of night.revisions.entries()) this.#answer(index, round);
      await world.run(this.#next);
      if (this.#mayLeaveWork()) await world.reconcile();
      await world.run(this.#next);
    }
  }

  readonly #next = (due: number) => {
    this.#meddle();
    return this.#pick(due);
  };

  /** Without a killed function and an outage, no file may need the reconciler. */
  #mayLeaveWork(): boolean {
    const { kills, hangs, throttled, outages } = this.night;
    return kills > 0 || hangs > 0 || throttled > 0 || outages.length > 0;
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

  async #onStep({ service, when, by }: Step): Promise<void | 'again'> {
    const { night } = this;
    if (this.#isQuiet) return;
    const times = rare.has(by) ? oftener : 1;
    if (night.kills > 0 && this.#has(times * night.kills)) throw new KilledError('killed');
    const outage = service === 'api' ? undefined : this.#outageOf(service);
    if (outage) {
      if (this.#has(when === 'before' ? outage.failed : outage.lost)) throw new AwsFaultError('Outage', service);
      if (when === 'after' && this.#has(outage.again)) return 'again';
    }
    await this.#letOthersRun(service, by, times);
  }

  /** In the middle of a step. */
  async #letOthersRun(service: Service, by: string | undefined, times: number): Promise<void> {
    const { world, night } = this;
    if (night.hangs > 0 && !this.#isHanging && this.#has(times * night.hangs)) {
      this.#isHanging = true;
      const longestMs = service === 'api' || by === 'batch' ? longestRequestMs : longestHangMs;
      await world.runMeanwhile(this.#next, this.#upTo(longestMs), maxMeanwhile);
      this.#isHanging = false;
    }
    if (night.meanwhile === 0 || world.depth > 2 || !this.#has(times * night.meanwhile)) return;
    const due = world.countDue();
    if (due === 0) return;
    const { index, isRepeated } = this.#pick(due);
    await world.handle(index, isRepeated);
  }

  #outageOf(service: Service): Outage | undefined {
    const now = this.world.clock.now() - this.#beganAt;
    const { outages, throttled: share } = this.night;
    const outage = outages.find((each) => each.service === service && each.from <= now && now < each.until);
    if (outage || service === 'api' || share === 0) return outage;
    return { service, from: 0, until: Infinity, failed: share, lost: share, again: share };
  }

  #turn(): ReturnType<RevisionWorld['api']['turn']> {
    if (this.#isQuiet) return undefined;
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

  #down(): ReturnType<RevisionWorld['api']['down']> {
    const outage = this.#isQuiet ? undefined : this.#outageOf('api');
    if (outage === undefined || outage.failed < 1) return undefined;
    return this.#has(outage.lost) ? 'stored' : 'lost';
  }

  /** What people do at any moment. */
  #meddle(): void {
    const { world, night } = this;
    if (world.dlq.length > 0 && !night.areLettersLeft && this.#has(this.#redrives > 0 ? 0.5 : 0.05)) {
      this.#redrives--;
      for (const letter of world.dlq.splice(0)) world.redrive(letter);
    }
    const held = night.revisions.findIndex((_, index) => world.ledger.files.get(idOf(index))?.state === 'quarantined');
    // A person knows that the API replaces a changed record. What is not known would be there twice without a key.
    const isKnown = world.ledger.files.get(idOf(held))?.quarantine?.code !== 'revision_unknown';
    const isSafe = this.#replaces && (isKnown || night.changed === 'replaces');
    if (held >= 0 && isSafe && this.#has(0.1)) world.askToRelease(idOf(held), this.#all());
    this.#goWithout();
    if (this.#has(0.02)) void this.#correct().catch(() => undefined);
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
    const dead = world.ledger.dead.values().filter(({ state }) => state === 'dead');
    const { fileId, record } = dead[this.#upTo(dead.length)] ?? {};
    if (fileId === undefined || record === undefined) return;
    const isOther = this.#has(0.3);
    const row = night.revisions[revisionOf(fileId) - 1]?.[record - 1];
    if (!row) return;
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
    // And one that has taken over from a file that waited for a person: without it, nothing is complete.
    const isOnly = code === 'revision_differs' && round > 1 && !this.#isAnyCompleted();
    const isHeld = (hasStopped || isInDoubt || isOnly) && this.#replaces;
    const isDecided = code === 'cancelled' || code === 'rules_changed' || isHeld;
    // Where the API keeps both of a changed record, a person does not ask for the changes.
    const plainly = code === 'cancelled' ? undefined : ('changes' as const);
    if (isDecided) this.world.askToRelease(fileId, this.#replaces ? this.#all() : plainly);
  }

  #isAnyCompleted(): boolean {
    return this.night.revisions.some((_, index) => this.world.manifestOf(idOf(index))?.state === 'completed');
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

  /** Where all of a revision is sent as new records, and the API has no key of its own, a person removes the earlier ones first. */
  #makeRoom(): void {
    const { api, ledger } = this.world;
    if (this.night.changed !== 'supersedes') return;
    for (const { fileId, revision, series, idsHaveFileId } of ledger.files.values()) {
      // One with the bytes of another repeats its requests, which the API answers by what it has.
      const isRepetition = series?.sameBytes !== undefined && !idsHaveFileId;
      if (!revision?.taken || hasPlan(revision) || isRepetition || this.#roomFor.has(fileId)) continue;
      this.#roomFor.add(fileId);
      for (const spot of api.schedule.keys()) api.remove(spot);
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
