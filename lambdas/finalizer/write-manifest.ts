import { isDeepStrictEqual } from 'node:util';
import type { ArchiveKeys } from '../core/account/archive-keys.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import type { HeldRange, Manifest, ManifestFigures } from '../core/account/manifest.ts';
import { figuresOf, manifest as manifestSchema } from '../core/account/manifest.ts';
import type { ManifestDecision } from '../core/account/manifest-decision.ts';
import { sha256Of } from '../core/records/identity.ts';
import type { ReportFacts } from '../core/report/report-facts.ts';
import { buildManifest } from './build-manifest.ts';
import type { FinalizerPorts } from './finalizer-ports.ts';
import type { Audit } from './audit-file.ts';
import { sha256OfArchived } from '../archived-sha256.ts';
import { announceSignature, signManifest } from './sign-manifest.ts';
import { writeReport } from './write-report.ts';

/** The data of a manifest. */
interface Account {
  file: FileAccount;
  audit: Audit;
  decisions: readonly ManifestDecision[];
  held: readonly HeldRange[];
  comparison: Manifest['comparison'];
  control: Manifest['control'];
  facts: ReportFacts;
  keys: ArchiveKeys;
}

export type NamedObjects = Omit<Manifest['archive'], 'bucket' | 'manifest_key' | 'report_key' | 'report_sha256'>;

/** With the figures of all manifests since the file was last closed. */
export interface WrittenManifest {
  manifest: Manifest;
  written: ManifestFigures[];
}

/**
 * Never overwrites: a different manifest with that number was written for another state of the account, and the next one
 * follows it in the chain. The manifest is signed after it is stored, so that a signature always covers the bytes of an
 * existing object; and only if it says what this finalizer found, no matter which finalizer wrote it.
 *
 * @param seen the number of the newest manifest that was there before the account was read. If there is a later one that
 * says something else, the account may be older than that manifest (`outdatedBy`), and is to be read again: so no manifest
 * follows one that knows more.
 */
export async function writeManifest(
  account: Account,
  ports: FinalizerPorts,
  named: NamedObjects,
  seen: number,
): Promise<WrittenManifest | { outdatedBy: number }> {
  const { file, facts, keys } = account;
  const written: ManifestFigures[] = [];
  for (let number = (file.manifest?.number ?? 0) + 1; ; number++) {
    const key = keys.manifest(number);
    const unreported = await makeManifest(account, number, ports, named);
    let text = await ports.archive.getText(key);
    if (text === undefined) {
      // The report first: the manifest names it by the SHA-256 of its bytes.
      const report = await writeReport(unreported, facts, keys, ports);
      const archive = { ...unreported.archive, ...report };
      const made = `${JSON.stringify({ ...unreported, archive }, null, 2)}\n`;
      const isStored = (await ports.archive.putOnce(key, made, 'application/json')) === 'stored';
      text = isStored ? made : ((await ports.archive.getText(key)) ?? 'null');
    }
    const there = manifestSchema.parse(JSON.parse(text));
    written.push(figuresOf(there, sha256Of(text)));
    if (isSameAccount(there, unreported) && (await signManifest(text, there, ports)))
      return { manifest: there, written };
    if (number > seen) return { outdatedBy: number };
  }
}

/** Without its report. */
async function makeManifest(
  { file, audit, decisions, held, comparison, control, keys }: Account,
  number: number,
  ports: FinalizerPorts,
  named: NamedObjects,
): Promise<Manifest> {
  const { archive, archiveBucket: bucket } = ports;
  return buildManifest({
    file,
    audit,
    decisions,
    held,
    comparison,
    control,
    number,
    previousSha256: number === 1 ? null : await sha256OfArchived(keys.manifest(number - 1), archive),
    version: ports.version,
    completedAt: ports.clock.now(),
    archive: { bucket, ...named, report_key: null, report_sha256: null, manifest_key: keys.manifest(number) },
    signature: await announceSignature(number, keys, ports),
  });
}

/** Ignores what differs between two finalizers for the same account: version, time, key and report. */
function isSameAccount(there: Manifest, made: Manifest): boolean {
  const { tool_version, signature } = there;
  const { report_key, report_sha256 } = there.archive;
  const { completed, duration_seconds } = there.times;
  const expected = {
    ...made,
    tool_version,
    signature,
    archive: { ...made.archive, report_key, report_sha256 },
    times: { ...made.times, completed, duration_seconds },
  };
  return isDeepStrictEqual(there, manifestSchema.parse(expected));
}
