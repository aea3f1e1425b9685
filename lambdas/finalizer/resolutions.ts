import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { ManifestDecision } from '../core/account/manifest-decision.ts';
import { RecordDecisions, recordDecisionOf } from '../core/account/manifest-decision.ts';
import type { DeadRecord, DeadResolution } from '../core/account/file-account.ts';
import type { Receipt } from '../core/account/receipt.ts';
import type { Manifest } from '../core/account/manifest.ts';
import type { Archive, DeadLedger } from '../ports.ts';
import { mustHaveSha256 } from '../archived-sha256.ts';

/** The resolutions of a file's dead letters, as of one read of the ledger. */
export interface Resolutions {
  /** By record number. */
  kinds: ReadonlyMap<number, DeadResolution['kind']>;
  /** SHA-256 of the lines. */
  sha256: string;
  /** People's decisions in them. */
  decisions: ManifestDecision[];
}

/** Reads which dead letters are resolved. Keeps only a few bytes per letter. */
export async function readResolutions(fileId: string, ledger: Pick<DeadLedger, 'listDead'>): Promise<Resolutions> {
  const kinds = new Map<number, DeadResolution['kind']>();
  const hash = createHash('sha256');
  const decisions = new RecordDecisions();
  for await (const dead of ledger.listDead(fileId)) {
    if (dead.state !== 'resolved' || !dead.resolution) continue;
    kinds.set(dead.record, dead.resolution);
    hash.update(lineOf(dead));
    const decision = recordDecisionOf(dead);
    if (decision) decisions.add(decision);
  }
  return { kinds, sha256: hash.digest('hex'), decisions: decisions.counted };
}

/**
 * Stores them, a line each, under a name derived from their content: two concurrent finalizers that read different
 * resolutions don't confuse them. Returns what the manifest says about them; nulls if there are none.
 * @throws ContradictionError if the object's bytes do not match its name: the ledger changed while it was read
 */
export async function archiveResolutions(
  fileId: string,
  { kinds, sha256 }: Resolutions,
  keys: ArchiveKeys,
  ports: { ledger: Pick<DeadLedger, 'listDead'>; archive: Archive },
): Promise<Pick<Manifest['archive'], 'resolutions_key' | 'resolutions_sha256'>> {
  if (kinds.size === 0) return { resolutions_key: null, resolutions_sha256: null };
  const key = keys.resolutions(sha256);
  const lines = async function* () {
    for await (const dead of ports.ledger.listDead(fileId)) if (kinds.has(dead.record)) yield Buffer.from(lineOf(dead));
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
function lineOf(dead: DeadRecord): string {
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
            row: dead.correction.row,
          },
        }),
    history: dead.history.map(({ at, outcome, reason, error, status, answer, correctionId }) => ({
      at: new Date(at).toISOString(),
      outcome,
      reason,
      error,
      status,
      ...(answer === undefined ? {} : { api_answer: answer }),
      ...(correctionId === undefined ? {} : { correction_id: correctionId }),
    })),
  };
  return `${JSON.stringify(line)}\n`;
}
