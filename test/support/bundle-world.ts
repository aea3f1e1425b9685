import { feedNamed } from '../../feeds/index.ts';
import { SourceChangedError } from '../../lambdas/core/errors.ts';
import type { SourceObject } from '../../lambdas/core/account/file-account.ts';
import type { PreparedRecord } from '../../lambdas/core/records/prepare-record.ts';
import type { CutLimits } from '../../lambdas/core/records/dialect.ts';
import { prepareBatch } from '../../lambdas/core/records/prepare-batch.ts';
import type { BundleStore } from '../../lambdas/ports.ts';
import type { SplitterWorld } from './splitter-world.ts';
import { distinctBatches, splitterWorld } from './splitter-world.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface BundleWorld extends Pick<SplitterWorld, 'sent' | 'intake' | 'finalize'> {
  ports: SplitterWorld['ports'] & { bundles: BundleStore; lane: string; limits: CutLimits };
  /** By key; the intake bucket's and the bundles. */
  objects: Map<string, { bytes: Buffer; etag: string }>;
  /** Keys that can't be read. */
  unreadable: Set<string>;
  /** Called before and after every write of a port; throws to kill the splitter. */
  onStep: (step: string) => void;
  drop: (name: string, bytes: Buffer | string) => SourceObject;
  /** Every record that was sent, by the account that contains it, as a consumer reads it. */
  records: () => { fileId: string; record: PreparedRecord }[];
}

export const bundleLimits: CutLimits = { maxBatchRecords: 50, maxBatchBytes: 96_000, maxRecordBytes: 64 * 1024 };

/** Everything a splitter of small files works with, in memory. */
export function bundleWorld(clock: SimulatedClock): BundleWorld {
  const under = splitterWorld(clock, Buffer.alloc(0));
  const objects: BundleWorld['objects'] = new Map();
  const unreadable = new Set<string>();
  let sequence = 0;
  const world: BundleWorld = {
    sent: under.sent,
    intake: under.intake,
    finalize: under.finalize,
    objects,
    unreadable,
    onStep: () => undefined,
    drop: (name, content) => {
      const key = `maintenance/${name}`;
      const bytes = Buffer.from(content);
      const etag = `"${++sequence}"`;
      objects.set(key, { bytes, etag });
      return { bucket: 'intake', key, sequencer: String(sequence), etag, sizeBytes: bytes.length };
    },
    records: () => {
      const { files } = under.ports.ledger;
      return [...files.values()].flatMap((file) =>
        distinctBatches(under.sent.filter(({ fileId }) => fileId === file.fileId)).flatMap((message) =>
          prepareBatch(message, ports.feed, file).map((record) => ({ fileId: file.fileId, record })),
        ),
      );
    },
    ports: undefined as never,
  };
  under.onStep = (step) => world.onStep(step);
  const ports: BundleWorld['ports'] = {
    ...under.ports,
    feed: feedNamed('maintenance'),
    lane: 'main',
    limits: bundleLimits,
    bundles: {
      placeOf: (name) => ({ bucket: 'work', key: `bundles/${name}` }),
      putBundle: async (name, bytes) => {
        world.onStep('before bundles.putBundle');
        const key = `bundles/${name}`;
        objects.set(key, { bytes, etag: '"b"' });
        world.onStep('after bundles.putBundle');
        return { bucket: 'work', key, etag: '"b"', sizeBytes: bytes.length };
      },
    },
    sources: {
      head: async ({ key }) => {
        const object = objects.get(key);
        return object && { etag: object.etag, sizeBytes: object.bytes.length };
      },
      async *read(source, offset) {
        if (unreadable.has(source.key)) throw new Error('access denied');
        const object = objects.get(source.key);
        if (object?.etag !== source.etag) throw new SourceChangedError('not the one that was dropped');
        world.onStep(`before read ${source.key}`);
        if (offset < object.bytes.length) yield object.bytes.subarray(offset);
      },
    },
  };
  world.ports = ports;
  return world;
}
