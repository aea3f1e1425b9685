import type { ManifestSummary } from '../../lambdas/core/account/manifest.ts';

/** A file's objects in the archive that the control room hands out. */
export const documentKinds = [
  'report',
  'manifest',
  'receipts',
  'dead-letters',
  'resolutions',
  'changes',
  'control-file',
  'differences',
  'signature',
  'signing-key',
] as const;
export type DocumentKind = (typeof documentKinds)[number];

interface ArchivedDocument {
  title: string;
  type: string;
  /** Of the saved file's name. */
  extension: string;
  keyOf: (manifest: ManifestSummary) => string | null | undefined;
}

export const documents: Record<DocumentKind, ArchivedDocument> = {
  report: {
    title: 'Report',
    type: 'text/html; charset=utf-8',
    extension: 'html',
    keyOf: ({ archive }) => archive.report_key,
  },
  manifest: {
    title: 'Manifest',
    type: 'application/json',
    extension: 'json',
    keyOf: ({ archive }) => archive.manifest_key,
  },
  receipts: {
    title: 'Receipts of all records',
    type: 'application/gzip',
    extension: 'ndjson.gz',
    keyOf: ({ archive }) => archive.receipts_key,
  },
  'dead-letters': {
    title: 'Receipts of failed records',
    type: 'application/gzip',
    extension: 'ndjson.gz',
    keyOf: ({ archive }) => archive.dead_letters_key,
  },
  resolutions: {
    title: 'Resolutions',
    type: 'application/x-ndjson',
    extension: 'ndjson',
    keyOf: ({ archive }) => archive.resolutions_key,
  },
  changes: {
    title: 'What changed',
    type: 'text/csv; charset=utf-8',
    extension: 'csv',
    keyOf: ({ comparison }) => comparison?.changes_key,
  },
  'control-file': {
    title: 'Control file',
    type: 'application/octet-stream',
    extension: 'control',
    keyOf: ({ control }) => control?.control_key,
  },
  differences: {
    title: 'What differs from the control file',
    type: 'text/csv; charset=utf-8',
    extension: 'csv',
    keyOf: ({ control }) => control?.differences_key,
  },
  signature: {
    title: 'Signature of the manifest',
    type: 'application/octet-stream',
    extension: 'sig',
    keyOf: ({ signature }) => signature?.signature_key,
  },
  'signing-key': {
    title: 'Public key of the signature',
    type: 'application/x-pem-file',
    extension: 'pem',
    keyOf: ({ signature }) => signature?.public_key_key,
  },
};

/** Those that the file has. */
export function documentsOf(manifest: ManifestSummary): { kind: DocumentKind; title: string }[] {
  return documentKinds.flatMap((kind) => {
    const { title, keyOf } = documents[kind];
    return keyOf(manifest) ? [{ kind, title }] : [];
  });
}
