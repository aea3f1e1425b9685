import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { PassThrough, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import { receipt } from '../core/account/receipt.ts';
import { cancelledReason } from '../core/dead-letters/dead-history.ts';
import { ContradictionError } from '../core/errors.ts';
import { suffixOf } from '../core/records/identity.ts';
import { KnownRecords } from '../core/series/known-records.ts';
import type { RevisionBase } from '../core/series/revision.ts';
import { resolvedBySluice } from '../core/series/superseded-letter.ts';
import type { Archive } from '../ports.ts';

/** What a comparison needs of a receipt, and of a resolution. */
const known = receipt.pick({
  record: true,
  sha256: true,
  outcome: true,
  request_id: true,
  attempts: true,
  reason: true,
  earlier_checksums: true,
});
const resolution = z.object({
  record: z.int().positive(),
  resolution: z.enum(['uploaded', 'duplicate', 'handled']),
  request_id: z.string().nullable(),
  by: z.string().optional(),
  correction: z.object({ id: z.string().optional() }).optional(),
  history: z
    .array(
      z.object({
        outcome: z.string(),
        reason: z.string().optional(),
        correction_id: z.string().optional(),
        request_id: z.string().optional(),
        attempts: z.int().optional(),
      }),
    )
    .default([]),
});
type Resolution = z.infer<typeof resolution>;

export interface BasePorts {
  archive: Pick<Archive, 'getStream'>;
  /** Called often, with time in between: renews the lease. @throws LeaseLostError */
  onProgress: () => Promise<void>;
}

/**
 * What the API has of an earlier revision, by its receipts and resolutions. Undefined if that can't be known: a record or a
 * correction may have been sent whose identity is in no receipt.
 * @param hasOtherColumns of the newer revision: the same bytes are another record there
 * @throws ContradictionError if an object is not the one that the revision's manifest names
 */
export async function readBase(
  base: RevisionBase,
  ports: BasePorts,
  hasOtherColumns = false,
): Promise<KnownRecords | undefined> {
  const resolutions = new Map<number, Resolution>();
  if (base.resolutions) {
    for await (const line of linesOf(base.resolutions, false, ports)) {
      const read = resolution.parse(JSON.parse(line));
      resolutions.set(read.record, read);
    }
  }
  const records = new KnownRecords(
    suffixOf({ ...base, sha256: base.checksum }),
    base.records + resolutions.size,
    base.isPartial,
  );
  for await (const line of linesOf(base.receipts, true, ports)) {
    const read = known.parse(JSON.parse(line));
    const { record, outcome, request_id: id, attempts, earlier_checksums } = read;
    const sha256 = hasOtherColumns ? undefined : read.sha256;
    const resolved = resolutions.get(record);
    if (resolved && !isSuperseded(resolved)) {
      const requestId = resolved.request_id ?? id;
      const isByHand = resolved.resolution === 'handled';
      // A person has looked up what may have been stored besides.
      const others = isByHand ? [] : inDoubtBesides(resolved);
      if (others.some((each) => !isOneOf(idOf(each, id), requestId, id))) return undefined;
      // A corrected row has other values than the file's record.
      const isOwn = resolved.correction === undefined && others.length === 0;
      if (requestId !== null) records.add(record, requestId, isOwn ? sha256 : undefined, { isByHand });
      // Of a row that was corrected to another identity, a request of its own may have been stored as well.
      const wasTried = (outcome === 'exhausted' && attempts > 0) || others.some((each) => idOf(each, id) === id);
      if (id !== null && id !== requestId && wasTried) records.add(record, id, undefined, { isInDoubt: true });
    } else if (outcome === 'duplicate' && attempts === 0) {
      // It repeats an unchanged record, which says under which id the API has it, or was held.
      continue;
    } else if (outcome === 'uploaded' || outcome === 'unchanged' || outcome === 'duplicate') {
      const sentIn = outcome === 'unchanged' ? (earlier_checksums?.[0] ?? undefined) : undefined;
      if (id !== null) records.add(record, id, sha256, { isRepetition: outcome === 'duplicate', sentIn });
    } else if (
      (outcome === 'exhausted' && attempts > 0) ||
      (outcome === 'refused' && attempts > 1) ||
      resolved?.history.slice(1).some(isInDoubt)
    ) {
      // A request may have been stored. A correction may have any identity, unless its request id says that it has this one.
      if (id === null || resolved?.history.slice(1).some((each) => isInDoubt(each) && idOf(each, id) !== id))
        return undefined;
      records.add(record, id, undefined, { isInDoubt: true });
    }
  }
  return records;
}

async function* linesOf(
  { key, sha256 }: { key: string; sha256: string },
  isGzip: boolean,
  { archive, onProgress }: BasePorts,
): AsyncGenerator<string> {
  const stored = await archive.getStream(key);
  if (!stored) throw new ContradictionError(`The archive does not have ${key}, which a manifest names.`);
  const hash = createHash('sha256');
  const lines = createInterface({ input: unpacked(stored, hash, isGzip), crlfDelay: Infinity });
  let count = 0;
  for await (const line of lines) {
    if (++count % 10_000 === 0) await onProgress();
    if (line !== '') yield line;
  }
  if (hash.digest('hex') !== sha256) throw new ContradictionError(`${key} in the archive was changed.`);
}

function unpacked(stored: Readable, hash: ReturnType<typeof createHash>, isGzip: boolean): Readable {
  const to = isGzip ? createGunzip() : new PassThrough();
  stored.on('data', (chunk: Buffer) => hash.update(chunk));
  // An error of any part reaches the reader of the last one.
  pipeline(stored, to, () => undefined);
  return to;
}

/** Settled because a newer revision came: nothing was sent, except what its history has. */
const isSuperseded = ({ resolution: kind, by }: Resolution): boolean => kind === 'handled' && by === resolvedBySluice;

/** Tries that may be stored as well: of a record that a redrive delivered, other redrives had the same request id. */
const inDoubtBesides = ({ correction, history }: Resolution): Resolution['history'] =>
  history.slice(1).filter((each) => isInDoubt(each) && each.correction_id !== correction?.id);

/** A cancelled file's letter was not sent, and keeps its outcome. */
const isInDoubt = ({ outcome, reason, attempts = 1 }: Resolution['history'][number]): boolean =>
  (outcome === 'exhausted' && reason !== cancelledReason) || (outcome === 'refused' && attempts > 1);

/** The request id of a try. A redrive has that of the record; undefined if it is not known. @param own the record's */
const idOf = (
  { request_id: id, correction_id: correction }: Resolution['history'][number],
  own: string | null,
): string | undefined => id ?? (correction === undefined ? (own ?? undefined) : undefined);

const isOneOf = (id: string | undefined, ...ids: (string | null)[]): boolean => id !== undefined && ids.includes(id);
