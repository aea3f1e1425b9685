import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../lambdas/core/canonical-json.ts';
import type { NightEntry } from '../../../lambdas/core/nights/night-entry.ts';
import { maxFilesInEntry } from '../../../lambdas/core/nights/night-entry.ts';
import { sha256Of } from '../../../lambdas/core/records/identity.ts';
import type { WriteNightsPorts } from '../../../lambdas/finalizer/write-nights.ts';
import { fileAccount } from '../../support/file-account.ts';
import { localSigner } from '../../support/local-signer.ts';
import { NightWorld, receivedIn } from '../../support/night-world.ts';

/** A log that began with the night before, so that the night until 21 November 02:00 is its next. */
async function begun(): Promise<NightWorld> {
  const world = new NightWorld().at('2026-11-20T03:00:00Z');
  await world.write();
  return world;
}

describe('an entry', () => {
  it('has what was received until the deadline, with counts and the hash of each manifest, and what is unfinished', async () => {
    const world = await begun();
    await world.at('2026-11-20T23:00:00Z').receive('a');
    await world.receive('b');
    await world.at('2026-11-21T01:00:00Z').close('a');
    await world.at('2026-11-21T02:01:00Z').receive('c');
    await world.at('2026-11-21T02:06:00Z').write();
    const [entry] = world.entries();
    expect(receivedIn(world.entries())).toEqual(['a in 1', 'b in 1']);
    expect(entry).toMatchObject({
      ...{ from: '2026-11-20T02:00:00.000Z', to: '2026-11-21T02:00:00.000Z', previous_sha256: null },
      files: { received: 2, completed: 1, unfinished: 1 },
      sums: { total_records: 1_000, uploaded_records: 980, dead_lettered_records: 12 },
      deadline: { time: '02:00', time_zone: 'UTC', met: false, margin_seconds: -360 },
      open_dead_letters: { files: 1, records: 12 },
    });
    const manifest = world.objects.get('traffic/2026/11/20/a/manifest.json') ?? '';
    expect(entry?.received[0]?.manifest).toEqual({
      ...{ number: 1, key: 'traffic/2026/11/20/a/manifest.json', sha256: sha256Of(manifest) },
    });
    expect(entry?.received[1]).toMatchObject({ state: 'split', manifest: null, counts: null, finished: null });
  });

  it('is canonical, signed, names the entry before and its page by their hashes, and is mailed with its own', async () => {
    const world = await begun();
    await world.at('2026-11-22T03:00:00Z').writeAll();
    const [first = '', second = ''] = world.texts();
    expect(`${canonicalJson(JSON.parse(second))}\n`).toBe(second);
    const entry = world.entries()[1];
    expect(entry?.previous_sha256).toBe(sha256Of(first));
    const page = world.objects.get(entry?.archive.page_key ?? '') ?? '';
    expect(entry?.archive.page_sha256).toBe(sha256Of(page));
    expect(world.objects.has(entry?.signature?.signature_key ?? '')).toBe(true);
    expect(world.mails.map(({ text }) => /SHA-256 of its entry: ([0-9a-f]*)/.exec(text)?.[1])).toEqual(
      [first, second].map(sha256Of),
    );
  });

  it('is not due before five minutes after the deadline, and midnight UTC ends the night of a feed without one', async () => {
    const world = await begun();
    await world.at('2026-11-21T02:04:59Z').write();
    expect(world.entries()).toEqual([]);
    const other = new NightWorld().at('2026-11-20T03:00:00Z');
    other.deadline = undefined;
    await other.write();
    await other.at('2026-11-21T00:05:00Z').write();
    expect(other.entries()).toMatchObject([{ to: '2026-11-21T00:00:00.000Z', deadline: null }]);
  });

  it('says in a later night what has become of files: ended, amended, released; and nothing of those that stayed', async () => {
    const world = await begun();
    for (const id of ['late', 'amended', 'stopped', 'same']) await world.at('2026-11-20T20:00:00Z').receive(id);
    for (const id of ['amended', 'same']) await world.close(id);
    await world.close('stopped', 'quarantined', 0);
    await world.at('2026-11-21T02:05:00Z').write();
    await world.at('2026-11-21T10:00:00Z').close('late');
    await world.close('amended', 'completed', 0);
    const stopped = world.ledger.files.get('stopped');
    if (stopped) stopped.quarantine = { at: 0, code: 'too_many_rejects', message: '', rejected: 1, seen: 1, number: 1 };
    expect(await world.ledger.releaseQuarantine('stopped', 'Kim', 'right file')).toBeDefined();
    await world.at('2026-11-22T02:05:00Z').write();
    const { earlier = [], received } = world.entries()[1] ?? {};
    expect(received).toEqual([]);
    expect(
      earlier.map(({ file_id: id, entry, before, state, manifest }) => [id, entry, before, state, manifest?.number]),
    ).toEqual([
      ['amended', 1, { state: 'completed', manifest_number: 1 }, 'completed', 2],
      ['late', 1, { state: 'split', manifest_number: 0 }, 'completed', 1],
      ['stopped', 1, { state: 'quarantined', manifest_number: 1 }, 'split', 1],
    ]);
    await world.at('2026-11-23T02:05:00Z').write();
    // It is unfinished still; the others have not changed again.
    expect(world.entries()[2]?.earlier.map(({ file_id: id }) => id)).toEqual(['stopped']);
  });
});

describe('a night with very many files', () => {
  it('has more entries of the same time, none of them with more files than memory has room for', async () => {
    const world = await begun();
    const many = maxFilesInEntry + 2;
    for (let n = 0; n < many; n++) {
      const createdAt = Date.parse('2026-11-20T10:00:00Z') + n;
      world.ledger.files.set(`f${n}`, fileAccount({ fileId: `f${n}`, createdAt }));
    }
    await world.at('2026-11-21T02:05:00Z').writeAll();
    const entries = world.entries();
    expect(entries.map(({ received, is_complete: isComplete }) => [received.length, isComplete])).toEqual([
      [maxFilesInEntry, false],
      [2, true],
    ]);
    expect(entries.map(({ continues }) => continues)).toEqual([false, true]);
    expect(entries[1]?.from).toBe(entries[0]?.from);
    expect(entries[1]?.to).toBe(entries[0]?.to);
    expect(new Set(receivedIn(entries).map((each) => each.split(' ')[0])).size).toBe(many);
    expect(world.texts()[0]?.length).toBeLessThan(20_000_000);
    // They are unfinished a night later.
    await world.at('2026-11-22T02:05:00Z').writeAll();
    const next = world.entries().slice(2);
    expect(next.map(({ earlier, is_complete: isComplete }) => [earlier.length, isComplete])).toEqual([
      [maxFilesInEntry, false],
      [2, true],
    ]);
    expect(new Set(next.flatMap(({ earlier }) => earlier.map(({ file_id: id }) => id))).size).toBe(many);
  }, 120_000);

  it('counts small files by the bundles that they are in', async () => {
    const world = await begun();
    const createdAt = Date.parse('2026-11-20T10:00:00Z');
    world.ledger.files.set('b', fileAccount({ fileId: 'b', createdAt, bundle: { members: 98 } }));
    await world.at('2026-11-21T02:05:00Z').write();
    expect(world.entries()[0]?.files).toMatchObject({ received: 1, bundled: 98 });
    expect(world.entries()[0]?.received[0]?.bundled_files).toBe(98);
  });
});

describe('a file that is open for very long', () => {
  it('is in each entry until it is closed, and in the next one as closed, however long ago it came', async () => {
    const world = await begun();
    await world.at('2026-11-20T10:00:00Z').receive('long');
    await world.at('2027-01-10T03:00:00Z').writeAll();
    await world.close('long');
    await world.at('2027-01-11T03:00:00Z').writeAll();
    const states = world.entries().map(({ earlier }) => earlier.map(({ state }) => state));
    expect(states.slice(1).flat()).toEqual([...Array.from({ length: states.length - 2 }, () => 'split'), 'completed']);
    // It does not change any more.
    await world.at('2027-01-12T03:00:00Z').writeAll();
    expect(world.entries().at(-1)?.earlier).toEqual([]);
  });

  it('is not looked for in an entry that was changed in the archive', async () => {
    const world = await begun();
    await world.at('2026-11-20T10:00:00Z').receive('long');
    await world.at('2026-11-21T03:00:00Z').write();
    const forged = JSON.stringify({ ...world.entries()[0], received: [{ file_id: 'other' }] });
    world.objects.set('nights/traffic/1.json', Buffer.from(forged));
    await world.at('2026-11-22T03:00:00Z').write();
    // The ledger has it as open.
    const second = JSON.parse(String(world.objects.get('nights/traffic/2.json'))) as NightEntry;
    expect(second.earlier.map(({ file_id: id }) => id)).toEqual(['long']);
  });
});

describe('the notes of what finalizers are about to store', () => {
  const hash = (n: number) => sha256Of(`draft ${n}`);

  it('are the newest ones, however many finalizers die', async () => {
    const { ledger } = await begun();
    for (let n = 0; n < 510; n++) expect(await ledger.noteDraft('traffic', 1, hash(n))).toBe(true);
    const { drafts = [] } = (await ledger.getNight('traffic')) ?? {};
    expect(drafts).toEqual(Array.from({ length: 500 }, (_, n) => hash(n + 10)));
  });

  it('are all kept if several are made at the same time, and each once if its answer was lost', async () => {
    const { ledger } = await begun();
    await Promise.all([1, 2, 3].map((n) => ledger.noteDraft('traffic', 1, hash(n))));
    expect(await ledger.noteDraft('traffic', 1, hash(2))).toBe(true);
    expect((await ledger.getNight('traffic'))?.drafts?.toSorted()).toEqual([1, 2, 3].map(hash).sort());
    expect(await ledger.noteDraft('traffic', 2, hash(4))).toBe(false);
  });

  it('are given up after some tries if others are always first', async () => {
    const { ledger } = await begun();
    const update = ledger.store.update.bind(ledger.store);
    let tries = 0;
    ledger.store.update = async (key) => {
      if (++tries > 50) throw new Error('tries without end');
      await update(key, { add: { draftsNoted: 1 } });
      return { kind: 'refused', item: undefined };
    };
    await expect(ledger.noteDraft('traffic', 1, hash(1))).rejects.toThrow('at the same time');
    expect(tries).toBeLessThan(20);
  });
});

describe('what was expected', () => {
  it('is judged for the night, from when it was first known on, as are control files', async () => {
    const world = await begun();
    const by = { hour: 1, minute: 30, timeZone: 'UTC' };
    const file = (name: string) => ({ name, key: `${name}_{yyyyMMdd}*.csv`, by, records: 1 });
    const known = (name: string, since: string) => ({ file: file(name), since: Date.parse(since), nights: [] });
    const files = [
      known('HERE', '2026-11-19T00:00:00Z'),
      known('GONE', '2026-11-19T00:00:00Z'),
      known('NEW', '2026-11-21T01:45:00Z'),
    ];
    await world.ledger.saveExpected('traffic', { files });
    await world.at('2026-11-21T01:00:00Z').receive('HERE_20261121');
    const item = world.ledger.files.get('HERE_20261121');
    if (item) item.control = { state: 'differs', kind: 'counts', name: 'HERE.ctl', missing: 2, extra: 0 };
    await world.at('2026-11-21T02:05:00Z').write();
    const { expectations = [], received = [] } = world.entries()[0] ?? {};
    expect(expectations.map(({ name, state, by: at, file_id: id }) => [name, state, at, id])).toEqual([
      ['HERE', 'met', '2026-11-21T01:30:00.000Z', 'HERE_20261121'],
      ['GONE', 'missing', '2026-11-21T01:30:00.000Z', null],
    ]);
    expect(received[0]?.control).toEqual({ state: 'differs', key: 'HERE.ctl', missing: 2, extra: 0 });
    expect(world.mails[0]?.subject).toBe('Sluice traffic: night 1 (2026-11-21) NOT READY');
  });
});

describe('an expected file that comes around the end of the night', () => {
  it.each([
    ['2026-11-21T02:00:20Z', 'met'],
    ['2026-11-21T02:03:00Z', 'late'],
  ])('at %s is here (%s), and the night is not ready before it is finished', async (time, state) => {
    const world = await begun();
    await world.at('2026-11-20T20:00:00Z').receive('other');
    await world.close('other', 'completed', 0);
    const by = { hour: 2, minute: 0, timeZone: 'UTC' };
    const file = { name: 'WABC', key: 'WABC_{yyyyMMdd}*.csv', by, records: 1 };
    await world.ledger.saveExpected('traffic', { files: [{ file, since: 0, nights: [] }] });
    await world.at(time).receive('WABC_20261121');
    await world.at('2026-11-21T02:05:00Z').write();
    expect(receivedIn(world.entries())).toEqual(['other in 1']);
    expect(world.entries()[0]?.expectations).toMatchObject([{ state, obstacle: 'unfinished' }]);
    expect(world.mails[0]?.subject).toContain('NOT READY');
  });
});

describe('the beginning', () => {
  it('of a stack that has run before invents no past: the files of its first night are in the first entry, no others', async () => {
    const world = new NightWorld();
    await world.at('2026-11-18T12:00:00Z').receive('old');
    await world.close('old');
    await world.at('2026-11-19T12:00:00Z').receive('open');
    await world.at('2026-11-20T12:00:00Z').receive('today');
    await world.close('today');
    await world.at('2026-11-20T13:00:00Z').write();
    await world.at('2026-11-20T14:00:00Z').close('old', 'completed', 3);
    await world.at('2026-11-21T02:05:00Z').write();
    expect(receivedIn(world.entries())).toEqual(['today in 1']);
    expect(world.entries()[0]?.earlier).toMatchObject([
      { file_id: 'old', entry: 0, before: { manifest_number: 1 }, manifest: { number: 2 } },
      { file_id: 'open', entry: 0, state: 'split' },
    ]);
  });
});

describe('a stack with many files that has run before', () => {
  it('has them all marked as the past, several at the same time', async () => {
    const world = new NightWorld();
    for (let n = 0; n < 120; n++) {
      const createdAt = Date.parse('2026-11-18T10:00:00Z') + n;
      world.ledger.files.set(`f${n}`, fileAccount({ fileId: `f${n}`, createdAt }));
    }
    let [marking, most] = [0, 0];
    const markNight: typeof world.ledger.markNight = async (...mark) => {
      most = Math.max(most, ++marking);
      await world.ledger.markNight(...mark);
      marking--;
    };
    await world.at('2026-11-20T13:00:00Z').write({ ...world.ports, ledger: { ...world.ledger, markNight } });
    expect(most).toBe(25);
    expect([...world.ledger.files.values()].filter(({ night }) => night?.entry === 0)).toHaveLength(120);
  });
});

describe('times', () => {
  it('writes three entries after a reconciler was off for three nights, each with the files of its own night', async () => {
    const world = await begun();
    for (const day of [20, 21, 22, 23]) await world.at(`2026-11-${day}T20:00:00Z`).receive(`day-${day}`);
    await world.at('2026-11-23T21:00:00Z').writeAll();
    expect(receivedIn(world.entries())).toEqual(['day-20 in 1', 'day-21 in 2', 'day-22 in 3']);
    expect(world.asked).toBe(2);
  });

  it('makes one night of the time around a deadline that is moved', async () => {
    const world = await begun();
    await world.at('2026-11-21T02:05:00Z').write();
    world.deadline = { hour: 4, minute: 30, timeZone: 'UTC' };
    await world.at('2026-11-23T02:05:00Z').writeAll();
    expect(world.entries().map(({ from, to }) => [from, to])).toEqual([
      ['2026-11-20T02:00:00.000Z', '2026-11-21T02:00:00.000Z'],
      ['2026-11-21T02:00:00.000Z', '2026-11-22T04:30:00.000Z'],
    ]);
  });
});

describe('several finalizers', () => {
  class Killed extends Error {}

  /** Ports that kill their finalizer at its n-th call, before the call or after it. */
  function killedAt(nth: number, isAfter: boolean, ports: WriteNightsPorts, calls: { made: number }): WriteNightsPorts {
    const wrapped = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (target, name) => {
          const method = Reflect.get(target, name) as unknown;
          if (typeof method !== 'function') return method;
          return (...args: unknown[]): unknown => {
            const isLast = ++calls.made === nth;
            if (isLast && !isAfter) throw new Killed();
            const answer = Reflect.apply(method, target, args) as unknown;
            if (!isLast) return answer;
            if (!(answer instanceof Promise)) throw new Killed();
            return answer.then(() => {
              throw new Killed();
            });
          };
        },
      });
    const { ledger, archive, desk, nights } = ports;
    return {
      ...ports,
      ledger: wrapped(ledger),
      archive: wrapped(archive),
      desk: wrapped(desk),
      nights: wrapped(nights),
    };
  }

  async function twoNights(): Promise<NightWorld> {
    const world = await begun();
    await world.at('2026-11-20T20:00:00Z').receive('a');
    await world.receive('b');
    await world.close('a');
    return world.at('2026-11-21T02:05:00Z');
  }

  it.each([false, true])('killed at each of its calls (after it: %s), the next one ends the entry', async (isAfter) => {
    let kills = 0;
    for (let nth = 1; ; nth++) {
      const world = await twoNights();
      const calls = { made: 0 };
      try {
        await world.write(killedAt(nth, isAfter, world.ports, calls));
        break;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        kills++;
      }
      // Between the two, one file ends and another comes too late.
      await world.close('b');
      await world.receive('late', -3_600_000);
      await world.writeAll();
      await world.at('2026-11-22T02:05:00Z').writeAll();
      const entries = world.entries();
      expect(entries).toHaveLength(2);
      expect(
        receivedIn(entries)
          .map((each) => each.split(' ')[0])
          .sort(),
        `call ${nth}`,
      ).toEqual(['a', 'b', 'late']);
      expect(entries[1]?.previous_sha256).toBe(sha256Of(world.texts()[0] ?? ''));
      for (const { signature } of entries) expect(world.objects.has(signature?.signature_key ?? '')).toBe(true);
      expect(await world.ledger.getNight('traffic')).toMatchObject({
        number: 2,
        sha256: sha256Of(world.texts()[1] ?? ''),
      });
      expect(world.mails.length).toBeGreaterThanOrEqual(2);
    }
    expect(kills).toBeGreaterThan(10);
  });

  it('signs and notes nothing that no finalizer noted before it was stored', async () => {
    const world = await twoNights();
    await world.write();
    const forged = JSON.stringify({ ...world.entries()[0], number: 2, received: [] });
    world.objects.set('nights/traffic/2.json', Buffer.from(forged));
    await expect(world.at('2026-11-22T02:05:00Z').write()).rejects.toThrow(
      /nights\/traffic\/2.json is not one that a finalizer/,
    );
    expect(world.objects.has('nights/traffic/2.json.sig')).toBe(false);
  });

  it('goes on with a key that was replaced in between: that entry stays unsigned', async () => {
    const world = await twoNights();
    const calls = { made: 0 };
    const stored = async () => world.objects.has('nights/traffic/1.json');
    for (let nth = 1; !(await stored()); nth++) {
      await world.write(killedAt(nth, true, world.ports, calls)).catch(() => undefined);
      calls.made = 0;
    }
    await world.write({ ...world.ports, signer: localSigner('arn:other') });
    expect(world.objects.has('nights/traffic/1.json.sig')).toBe(false);
    expect(await world.ledger.getNight('traffic')).toMatchObject({ number: 1 });
  });
});
