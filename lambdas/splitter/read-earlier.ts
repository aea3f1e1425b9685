import { createHash } from 'node:crypto';
import type { Feed } from '../../feeds/feed.ts';
import { ContentReader } from '../content/content-reader.ts';
import { readContent } from '../content/read-content.ts';
import { ContradictionError } from '../core/errors.ts';
import { BatchCutter, startOf } from '../core/records/batch-cutter.ts';
import type { CutBatch } from '../core/records/dialect.ts';
import { prepareCut } from '../core/records/prepare-batch.ts';
import { cellOf } from '../core/series/changed-records.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import type { Archive, FileLedger } from '../ports.ts';

const stepBytes = 128 * 1024;

export interface EarlierText {
  record: number;
  /** As a cell shows it; undefined if the file is gone. */
  text?: string;
  /** Undefined if the feed rejects the record as it is in the file. */
  identity?: readonly string[];
}

export interface EarlierPorts {
  ledger: Pick<FileLedger, 'getFile' | 'getManifestFigures'>;
  archive: Pick<Archive, 'getStream'>;
  feed: Feed;
  /** Called often, with time in between. */
  onProgress: () => Promise<void>;
}

/**
 * Records of an earlier revision, in the file's order, from its copy in the archive: one pass, whatever their number.
 * @throws ContradictionError if the copy has other bytes than the file had
 */
export async function* readEarlier(
  base: RevisionBase,
  isWanted: (record: number) => boolean,
  ports: EarlierPorts,
): AsyncGenerator<EarlierText> {
  const { ledger, archive } = ports;
  const file = await ledger.getFile(base.fileId);
  const key = (await ledger.getManifestFigures(base.fileId, base.manifest))?.archive.source_key ?? null;
  const stored = key === null || !file?.dialect ? undefined : await archive.getStream(key);
  if (!file?.dialect || !stored) {
    for (let record = 1; record <= base.records; record++) if (isWanted(record)) yield { record };
    return;
  }
  const { dialect } = file;
  const cutter = new BatchCutter(dialect, file.limits, startOf(dialect));
  const wanted = function* (batches: readonly CutBatch[]): Generator<EarlierText> {
    for (const batch of batches) {
      // Parsing costs much more than cutting.
      if (!hasWanted(batch, isWanted)) continue;
      for (const { record, bytes, result } of prepareCut(batch, ports.feed, file)) {
        const identity = result.kind === 'good' ? { identity: result.identity } : {};
        if (isWanted(record)) yield { record, text: cellOf(bytes, dialect.encoding), ...identity };
      }
    }
  };
  const hash = createHash('sha256');
  const bytes = new ContentReader(hashed(stored, hash));
  for await (const chunk of readContent(file, undefined, sourceIn(bytes), dialect.bodyOffset)) {
    for (let step = 0; step < chunk.length; step += stepBytes) {
      yield* wanted(cutter.push(chunk.subarray(step, step + stepBytes)));
      await ports.onProgress();
    }
  }
  yield* wanted(cutter.end());
  await bytes.skipTo(Infinity);
  if (hash.digest('hex') !== base.checksum) throw new ContradictionError(`${key} in the archive was changed.`);
}

function hasWanted(
  { firstRecord, records }: { firstRecord: number; records?: number },
  isWanted: (n: number) => boolean,
) {
  for (let record = firstRecord; record < firstRecord + (records ?? 1); record++) if (isWanted(record)) return true;
  return false;
}

async function* hashed(stored: AsyncIterable<Buffer>, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of stored) {
    hash.update(chunk);
    yield chunk;
  }
}

/** The copy in place of the dropped object, read once from its beginning. */
function sourceIn(bytes: ContentReader): Parameters<typeof readContent>[2] {
  return {
    async *read(_, offset) {
      await bytes.skipTo(offset);
      yield* bytes.to(Infinity);
    },
  };
}
