import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { ControlKind } from '../../feeds/control-rule.ts';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { noteControl } from '../../lambdas/splitter/note-control.ts';
import type { Verdict } from '../support/evidence.ts';
import { verifyByPython, verifyHere, writeEvidence } from '../support/evidence.ts';
import { FileWorld, rowOf } from '../support/file-world.ts';
import { inMemoryArchive } from '../support/in-memory-archive.ts';
import { sha256Of } from '../support/splitter-world.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-control-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const lines = Array.from({ length: 150 }, (_, n) => rowOf(n + 1));
const manifestOf = (spots: readonly string[]) =>
  `AirDateTime;SpotID\n${spots.map((spot) => `2026-01-05 06:00:00;${spot}\n`).join('')}`;
const spots = lines.map((_, n) => `SP-${n + 1}`);

/** A feed's night with a file and its control file: splitter, consumers and finalizer, in memory. */
class ControlNight {
  readonly world: FileWorld;
  readonly #control: SourceObject;
  readonly #contents: Map<string, Buffer>;

  constructor(kind: ControlKind, control: string, pack?: (bytes: Buffer) => Buffer) {
    this.world = new FileWorld(lines);
    const { splitter, archived } = this.world;
    const { source, object, ports } = splitter;
    if (pack) Object.assign(object, { bytes: pack(object.bytes) });
    source.sizeBytes = object.bytes.length;
    this.#control = { bucket: 'intake', key: `${source.key}.ctl`, etag: '"c"', sizeBytes: control.length };
    this.#contents = new Map([
      [source.key, object.bytes],
      [this.#control.key, Buffer.from(control)],
    ]);
    const contentOf = ({ key }: { key: string }) => this.#contents.get(key) ?? Buffer.of();
    Object.assign(ports, {
      control: { suffix: '.ctl', comes: 'after', kind, waitMinutes: 30, keyPrefix: 'traffic/', lane: 'main' },
      lists: inMemoryArchive(archived),
      sources: {
        head: async (from: SourceObject) => ({ etag: from.etag, sizeBytes: contentOf(from).length, modifiedAt: 1000 }),
        read: async function* read(from: SourceObject, offset: number) {
          yield contentOf(from).subarray(offset);
        },
      },
    });
  }

  get copies() {
    const archive = inMemoryArchive(this.world.archived);
    const copySource = async ({ key: from }: SourceObject, key: string) => {
      this.world.archived.set(key, this.#contents.get(from) ?? Buffer.of());
      return { key };
    };
    return { archive: { ...archive, copySource } };
  }

  async run(): Promise<Manifest> {
    await noteControl(this.#control, this.world.splitter.ports);
    await this.world.split();
    return this.settle();
  }

  async settle(): Promise<Manifest> {
    for (const message of this.world.splitter.sent) await this.world.deliver(message);
    const manifest = await this.world.finalize(false, this.copies);
    if (!manifest) throw new Error('no manifest');
    return manifest;
  }

  /** By both verifiers, after the evidence was changed. */
  async verify(
    manifest: Manifest,
    change: (objects: Map<string, Buffer>) => void = () => undefined,
  ): Promise<Verdict[]> {
    const dir = mkdtempSync(join(root, 'evidence-'));
    const folder = dirname(manifest.archive.manifest_key);
    const objects = new Map([...this.world.archived].filter(([key]) => key.startsWith(`${folder}/`)));
    change(objects);
    writeEvidence(objects, dir);
    const path = join(
      dir,
      manifest.manifest_number === 1 ? 'manifest.json' : `manifest.${manifest.manifest_number}.json`,
    );
    const byPython = verifyByPython(path);
    return [await verifyHere(path), ...(byPython ? [byPython] : [])];
  }
}

/** Rewrites the manifest. */
const edit = (manifest: Manifest, with_: (text: string) => string) => (objects: Map<string, Buffer>) => {
  const key = manifest.archive.manifest_key;
  objects.set(key, Buffer.from(with_(objects.get(key)?.toString() ?? '')));
};

const fileBytes = new FileWorld(lines).splitter.object.bytes;
const agreeing: [ControlKind, string][] = [
  ['sha256sum', `${sha256Of(fileBytes)} *log.csv\r\n`],
  ['counts', JSON.stringify({ records: lines.length, bytes: fileBytes.length })],
  ['rows', manifestOf(spots.toReversed())],
];
const differing: [ControlKind, string][] = [
  ['sha256sum', `${'0'.repeat(64)}  log.csv\n`],
  ['counts', JSON.stringify({ records: lines.length + 1 })],
  ['rows', manifestOf([...spots.slice(1), 'SP-0'])],
  ['rows', 'SpotID,Price\n'],
  ['counts', '{"records":150,"records":150}'],
];

describe('the evidence of a file that agrees with its control file', () => {
  it.each(agreeing)('is complete, and compared again by both verifiers: %s', async (kind, control) => {
    const night = new ControlNight(kind, control);
    const manifest = await night.run();
    expect(manifest).toMatchObject({ state: 'completed', uploaded_records: lines.length });
    expect(manifest.control).toMatchObject({ kind, result: 'agrees', name: 'log.csv.ctl', missing: 0, extra: 0 });
    expect(night.world.archived.get(manifest.control?.control_key ?? '')?.toString()).toBe(control);
    for (const verdict of await night.verify(manifest))
      expect(verdict).toMatchObject({ holds: true, isComplete: true });
  });

  it.each(agreeing)(
    'does not hold if it says something else, or the control file is another one: %s',
    async (kind, control) => {
      const night = new ControlNight(kind, control);
      const manifest = await night.run();
      const key = manifest.control?.control_key ?? '';
      const other = differing.find(([each]) => each === kind)?.[1] ?? '';
      const changes = [
        edit(manifest, (text) => text.replace('"result": "agrees"', '"result": "differs"')),
        (objects: Map<string, Buffer>) => void objects.set(key, Buffer.from(other)),
        (objects: Map<string, Buffer>) => {
          objects.set(key, Buffer.from(other));
          edit(manifest, (text) => text.replaceAll(sha256Of(Buffer.from(control)), sha256Of(Buffer.from(other))))(
            objects,
          );
        },
      ];
      for (const change of changes) {
        for (const verdict of await night.verify(manifest, change)) {
          expect(verdict.holds, verdict.said).toBe(false);
        }
      }
    },
  );

  it('is incomplete without the control file', async () => {
    const night = new ControlNight('counts', agreeing[1]?.[1] ?? '');
    const manifest = await night.run();
    const remove = (objects: Map<string, Buffer>) => void objects.delete(manifest.control?.control_key ?? '');
    for (const verdict of await night.verify(manifest, remove)) {
      expect(verdict).toMatchObject({ holds: true, isComplete: false });
      expect(verdict.said).toContain('control');
    }
  });

  it('is compared again through gzip', async () => {
    const packed = gzipSync(fileBytes);
    for (const [kind, control] of [
      ['sha256sum', `${sha256Of(packed)}  log.csv\n`],
      ['counts', JSON.stringify({ records: lines.length, bytes: packed.length })],
      ['rows', manifestOf(spots)],
    ] as const) {
      const night = new ControlNight(kind, control, () => packed);
      const manifest = await night.run();
      expect(manifest.control?.result).toBe('agrees');
      for (const verdict of await night.verify(manifest))
        expect(verdict).toMatchObject({ holds: true, isComplete: true });
    }
  });
});

describe('the evidence of a file that differs from its control file', () => {
  it.each(differing)('has what differs, and is compared again: %s', async (kind, control) => {
    const night = new ControlNight(kind, control);
    const manifest = await night.run();
    expect(manifest).toMatchObject({
      state: 'quarantined',
      held_records: lines.length,
      failure: { code: 'control_differs' },
    });
    expect(manifest.control?.result).toBe('differs');
    expect(night.world.archived.get(manifest.control?.differences_key ?? '')?.toString()).toContain(
      'sluice_difference',
    );
    for (const verdict of await night.verify(manifest)) {
      expect(verdict).toMatchObject({ holds: true, isComplete: true });
    }
    const agrees = edit(manifest, (text) =>
      text.replace('"result": "differs"', '"result": "agrees"').replace(/"(missing|extra)": \d+/g, '"$1": 0'),
    );
    for (const verdict of await night.verify(manifest, agrees)) expect(verdict.holds, verdict.said).toBe(false);
  });

  it('has who released it and why; without that it does not hold', async () => {
    const night = new ControlNight('counts', differing[1]?.[1] ?? '');
    await night.run();
    await night.world.release();
    const manifest = await night.settle();
    expect(manifest).toMatchObject({
      state: 'completed',
      uploaded_records: lines.length,
      control: { result: 'differs' },
    });
    expect(manifest.decisions).toMatchObject([{ kind: 'release', by: 'ann', why: 'it is right' }]);
    for (const verdict of await night.verify(manifest))
      expect(verdict).toMatchObject({ holds: true, isComplete: true });
    const withoutDecisions = edit(manifest, (text) => {
      const { decisions: _, ...rest } = JSON.parse(text) as Manifest;
      return `${JSON.stringify(rest, null, 2)}\n`;
    });
    for (const verdict of await night.verify(manifest, withoutDecisions)) expect(verdict.holds).toBe(false);
  });

  it('can not be read as agreeing by a name that leads elsewhere', async () => {
    const night = new ControlNight('counts', differing[1]?.[1] ?? '');
    const manifest = await night.run();
    const key = manifest.control?.control_key ?? '';
    for (const other of [key.replace('control-file', '../control-file'), key.replace('control-file', 'report.html')]) {
      for (const verdict of await night.verify(
        manifest,
        edit(manifest, (text) => text.replaceAll(key, other)),
      )) {
        expect(verdict.holds, verdict.said).toBe(false);
      }
    }
  });
});

describe('the evidence of a file that waited when its feed’s setting was removed', () => {
  it('holds without a control file', async () => {
    const night = new ControlNight('counts', agreeing[1]?.[1] ?? '');
    await night.world.split();
    expect(night.world.file?.control?.state).toBe('waiting');
    Object.assign(night.world.splitter.ports, { control: undefined });
    await night.world.clock.advance(60_000);
    await night.world.split(false);
    const manifest = await night.settle();
    expect(manifest).toMatchObject({ state: 'completed' });
    expect(manifest.control).toBeUndefined();
    for (const verdict of await night.verify(manifest))
      expect(verdict).toMatchObject({ holds: true, isComplete: true });
  });
});

describe('the evidence of a file that was released before its control file came', () => {
  it('says that it was not compared, and who decided that', async () => {
    const night = new ControlNight('counts', agreeing[1]?.[1] ?? '');
    await night.world.split();
    expect(night.world.file?.control?.state).toBe('waiting');
    await night.world.ledger.releaseWaiting('file-1', 'ann', 'it is late');
    await night.world.split(false);
    const manifest = await night.settle();
    expect(manifest).toMatchObject({
      state: 'completed',
      control: { result: 'not_compared', source: null, sha256: null },
    });
    for (const verdict of await night.verify(manifest))
      expect(verdict).toMatchObject({ holds: true, isComplete: true });
  });
});
