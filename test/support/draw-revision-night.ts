import { SeededDice } from '../../localstack/seeded-dice.ts';
import type { LogRow } from './log-rows.ts';
import type { Drop, WorldSettings } from './revision-world.ts';
import type { ChangedRecords } from './scheduling-api.ts';
import type { Service } from './steps.ts';

/** What a seed's night is like. */
export interface Night {
  changed: ChangedRecords;
  settings: WorldSettings;
  /** The chance of a function to be killed at a step. */
  kills: number;
  /** The chance that another function runs in the middle of a step. */
  meanwhile: number;
  /** The chance that a function waits for a call for so long that many others run. */
  hangs: number;
  /** The share of calls of AWS that fail, or whose answers are lost, all night. */
  throttled: number;
  /** How often a person redrives letters as soon as they are in the DLQ. */
  redrives: number;
  /** No person redrives a letter before the morning, so that a revision must not wait for that. */
  areLettersLeft: boolean;
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
export interface Outage {
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
  // Of its own, so that what is added here changes no other choice.
  const mixed = new SeededDice(seed + 0x31ced);
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
  const isDown = mixed.next() < 0.12;
  if (isDown) outages.push(wholeOutage(mixed));
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
    hangs: mixed.next() < 0.5 ? 0.003 : 0,
    throttled: mixed.next() < 0.25 ? 0.02 : 0,
    redrives: mixed.next() < 0.4 ? 3 : 0,
    areLettersLeft: mixed.next() < 0.3,
    horizon: has(0.2) ? 4 : undefined,
    isOneProcess: has(0.3),
    cancels: upTo(3),
    // A known limit: where the API keeps both, a row that only new rules accept may be there twice.
    deploys: has(0.3) ? [has(0.5) && changed === 'replaces' ? 'lenient' : 'renamed'] : [],
  };
}

/** The API answers nothing for so long that all of the first file fails, and stores some of its requests. */
function wholeOutage(dice: SeededDice): Outage {
  return { service: 'api', from: 0, until: minute * (5 + 40 * dice.next()), failed: 1, lost: 0.5, again: 0 };
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
