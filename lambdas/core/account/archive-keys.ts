/** Where a file's evidence lies in the archive bucket: one folder a file, found by feed and day; wrong files apart. */
export interface ArchiveKeys {
  folder: string;
  source: string;
  receipts: string;
  /** The receipts of the failed records only, as they failed first. */
  deadLetters: string;
  /** What has become of dead letters since; named by the SHA-256 of its bytes. */
  resolutions(sha256: string): string;
  manifest(number: number): string;
  /** That manifest's account for people; named by the SHA-256 of its bytes, since each finalizer draws a page of its own. */
  report(number: number, sha256: string): string;
  /** Of that manifest. */
  signature(number: number): string;
  /** By its SHA-256: the next manifest may be signed by another key. */
  publicKey(sha256: string): string;
}

export function archiveKeysOf(file: {
  feed: string;
  fileId: string;
  createdAt: number;
  source: { key: string };
  quarantine?: unknown;
  checkpoint?: { otherHeader?: unknown };
  release?: unknown;
}): ArchiveKeys {
  const day = new Date(file.createdAt).toISOString().slice(0, 10).replaceAll('-', '/');
  const folder = `${file.quarantine || file.checkpoint?.otherHeader ? 'quarantine/' : ''}${file.feed}/${day}/${file.fileId}`;
  // What was written while it was held stays as it was.
  const part = file.release ? '.released' : '';
  // The name it was dropped under, without its folders; S3 takes any character in a key.
  const dropped = shortened(file.source.key.slice(file.source.key.lastIndexOf('/') + 1));
  // Whoever copies the archive to a disk must not be led out of the file's folder.
  const name = ['', '.', '..'].includes(dropped) ? 'source' : dropped;
  const manifest = (number: number): string =>
    number === 1 ? `${folder}/manifest.json` : `${folder}/manifest.${number}.json`;
  return {
    folder,
    source: `${folder}/source/${name}`,
    receipts: `${folder}/receipts${part}.ndjson.gz`,
    deadLetters: `${folder}/dead-letters${part}.ndjson.gz`,
    resolutions: (sha256) => `${folder}/resolutions.${sha256}.ndjson`,
    manifest,
    report: (number, sha256) => `${folder}/report.${number}.${sha256}.html`,
    signature: (number) => `${manifest(number)}.sig`,
    publicKey: (sha256) => `${folder}/signing-key.${sha256}.pem`,
  };
}

/** S3: a key has 1,024 bytes at most, and the folder takes some of them. */
const maxNameBytes = 800;

function shortened(name: string): string {
  let short = name;
  while (Buffer.byteLength(short) > maxNameBytes) short = Array.from(short).slice(0, -8).join('');
  return short;
}

/** Receipts of one attempt at a batch, until the finalizer gathers them. */
export function workReceiptsKey(fileId: string, batch: number, attempt: number, owner: string): string {
  return `receipts/${fileId}/${String(batch).padStart(8, '0')}/${attempt}-${owner}.ndjson.gz`;
}
