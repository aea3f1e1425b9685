import { Readable } from 'node:stream';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { ManifestDecision } from '../core/account/manifest-decision.ts';
import type { DeadRecord } from '../core/account/file-account.ts';
import type { Receipt } from '../core/account/receipt.ts';
import type { Manifest } from '../core/account/manifest.ts';
import type { Archive, DeadLedger } from '../ports.ts';
import { mustHaveSha256 } from '../archived-sha256.ts';

/** The resolutions of a file's dead letters, as of one read of the ledger. */
export interface Resolutions {
  /** The numbers of the resolved records, in order: 8 bytes of memory each. */
  records: number[];
  /** SHA-256 of the lines. */
  sha256: string;
  /** People's decisions in them. */
  decisions: ManifestDecision[];
}

/**
 * Stores the resolutions of a file's dead letters, a line each, under a name derived from their content: two concurrent finalizers that read different
 * resolutions don't confuse them. Returns what the manifest says about them; nulls if there are none.
 * @throws ContradictionError if the object's bytes do not match its name: the ledger changed while it was read
 */
export async function archiveResolutions(
  fileId: string,
  { records, sha256 }: Resolutions,
  keys: ArchiveKeys,
  ports: { ledger: Pick<DeadLedger, 'listDead'>; archive: Archive },
): Promise<Pick<Manifest['archive'], 'resolutions_key' | 'resolutions_sha256'>> {
  if (records.length === 0) return { resolutions_key: null, resolutions_sha256: null };
  const key = keys.resolutions(sha256);
  const lines = async function* () {
    let next = 0;
    for await (const dead of ports.ledger.listDead(fileId)) {
      // Others were resolved since they were read.
      if (dead.record !== records[next]) continue;
      next++;
      yield Buffer.from(resolutionLine(dead));
    }
  };
  if (!(await ports.archive.has(key))) {
    await ports.archive.putStream(key, Readable.from(lines()), 'application/x-ndjson');
  }
  await mustHaveSha256(key, sha256, ports.archive);
  return { resolutions_key: key, resolutions_sha256: sha256 };
}

/** In the words of a receipt. */
function answerFields({
  resolvedSaid: kept,
}: DeadRecord): Pick<Receipt, 'confirmed_by' | 'api_answer'> & { status?: number } {
  if (!kept) return {};
  const { status, confirmedBy, answer } = kept;
  return {
    status,
    ...(confirmedBy === undefined ? {} : { confirmed_by: confirmedBy }),
    ...(answer === undefined ? {} : { api_answer: answer }),
  };
}

/** Only of fields that no longer change once a letter is resolved. */
export function resolutionLine(dead: DeadRecord): string {
  const line = {
    record: dead.record,
    resolution: dead.resolution,
    at: new Date(dead.resolvedAt ?? 0).toISOString(),
    request_id: dead.requestId ?? null,
    ...answerFields(dead),
    ...(dead.resolution === 'handled' ? { by: dead.resolvedBy, why: dead.resolvedWhy } : {}),
    ...(dead.resolvedCorrectionId === undefined || dead.correction === undefined
      ? {}
      : {
          correction: {
            id: dead.correction.id,
            by: dead.correction.by,
            at: new Date(dead.correction.at).toISOString(),
            ...(dead.correction.why === undefined ? {} : { why: dead.correction.why }),
            changed: dead.correction.changed,
            ...(dead.correction.isNew ? { as_new: true } : {}),
            row: dead.correction.row,
          },
        }),
    history: dead.history.map(({ at, outcome, reason, error, status, answer, correctionId, requestId, attempts }) => ({
      at: new Date(at).toISOString(),
      outcome,
      reason,
      error,
      status,
      ...(answer === undefined ? {} : { api_answer: answer }),
      ...(correctionId === undefined ? {} : { correction_id: correctionId }),
      ...(requestId === undefined ? {} : { request_id: requestId }),
      ...(attempts === undefined ? {} : { attempts }),
    })),
  };
  return `${JSON.stringify(line)}\n`;
}
