/** Keys of a file's evidence in the archive bucket: one folder per file, by feed and day; wrong files in a separate one. */
export interface ArchiveKeys {
  folder: string;
  source: string;
  receipts: string;
  /** The receipts of the failed records only, with their first failure. */
  deadLetters: string;
  /** The resolutions of dead letters; named by the SHA-256 of its bytes. */
  resolutions(sha256: string): string;
  /** What a revision changes, new and removed records included. Numbered: a held file may be compared more than once. */
  changes(number: number): string;
  manifest(number: number): string;
  /** The control file that the file was compared with. */
  control: string;
  /** The list of what the two do not have in common; named by the SHA-256 of its bytes. */
  controlDifferences(sha256: string): string;
  /** The report of that manifest; named by the SHA-256 of its bytes, since each finalizer renders its own page. */
  report(number: number, sha256: string): string;
  /** The signature of that manifest. */
  signature(number: number): string;
  /** Named by its SHA-256: another key may sign the next manifest. */
  publicKey(sha256: string): string;
}

export function archiveKeysOf(file: {
  feed: string;
  fileId: string;
  createdAt: number;
  source: { key: string };
  quarantine?: unknown;
  checkpoint?: { otherHeader?: unknown };
  release?: { stop?: number };
}): ArchiveKeys {
  const day = new Date(file.createdAt).toISOString().slice(0, 10).replaceAll('-', '/');
  const folder = `${file.quarantine || file.checkpoint?.otherHeader ? 'quarantine/' : ''}${file.feed}/${day}/${file.fileId}`;
  // Objects of an earlier closing stay as they are. Between two releases, there is only one set of records with receipts.
  const released = file.release ? (file.release.stop ?? 1) : 0;
  const part = released === 0 ? '' : `.released${released === 1 ? '' : `-${released}`}`;
  // The object's name, without its folders; S3 allows any character in a key.
  const dropped = shortened(file.source.key.slice(file.source.key.lastIndexOf('/') + 1));
  // Copying the archive to a disk must not write outside the file's folder.
  const name = ['', '.', '..'].includes(dropped) ? 'source' : dropped;
  const manifest = (number: number): string =>
    number === 1 ? `${folder}/manifest.json` : `${folder}/manifest.${number}.json`;
  return {
    folder,
    source: `${folder}/source/${name}`,
    receipts: `${folder}/receipts${part}.ndjson.gz`,
    deadLetters: `${folder}/dead-letters${part}.ndjson.gz`,
    resolutions: (sha256) => `${folder}/resolutions.${sha256}.ndjson`,
    changes: (number) => `${folder}/changes${number === 1 ? '' : `.${number}`}.csv`,
    manifest,
    control: `${folder}/control-file`,
    controlDifferences: (sha256) => `${folder}/control-differences.${sha256}.csv`,
    report: (number, sha256) => `${folder}/report.${number}.${sha256}.html`,
    signature: (number) => `${manifest(number)}.sig`,
    publicKey: (sha256) => `${folder}/signing-key.${sha256}.pem`,
  };
}

/** S3: a key has at most 1,024 bytes, some of which the folder needs. */
const maxNameBytes = 800;

function shortened(name: string): string {
  let short = name;
  while (Buffer.byteLength(short) > maxNameBytes) short = Array.from(short).slice(0, -8).join('');
  return short;
}

/** Receipts of one attempt at a batch, until the finalizer collects them. */
export function workReceiptsKey(fileId: string, batch: number, attempt: number, owner: string): string {
  return `receipts/${fileId}/${String(batch).padStart(8, '0')}/${attempt}-${owner}.ndjson.gz`;
}

/** What the finalizer has to remember until a file is closed, named by the SHA-256 of its bytes. */
export function closingStateKey(fileId: string, sha256: string): string {
  return `closing/${fileId}/${sha256}`;
}
