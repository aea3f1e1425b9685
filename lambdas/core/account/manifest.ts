import * as z from 'zod';
import { controlKinds } from '../../../feeds/control-rule.ts';
import { manifestDecision } from './manifest-decision.ts';
import { compressions, fileStates } from './file-account.ts';
import { utf16Encodings } from '../records/decode-utf16.ts';

/** One failed record in a manifest; the full list is in the receipts. */
export const manifestError = z.object({
  record: z.int().positive(),
  line: z.int().positive(),
  offset: z.int().nonnegative(),
  outcome: z.enum(['rejected', 'refused', 'exhausted']),
  field: z.string().nullable(),
  reason: z.string(),
  error: z.string(),
  status: z.int().nullable(),
  raw_value: z.string(),
});
export type ManifestError = z.infer<typeof manifestError>;

/** Open dead letters with the same failure. */
export const reasonCount = z.object({
  outcome: manifestError.shape.outcome,
  /** Null for all reasons after the first `maxReasons` ones. */
  reason: z.string().nullable(),
  records: z.int().positive(),
});
export type ReasonCount = z.infer<typeof reasonCount>;

/** Failed records that a manifest lists; the receipts have all of them. */
export const maxErrors = 1000;

/**
 * Pairs of outcome and reason that a manifest counts separately: an API with ever new reasons must not fill the manifest.
 */
export const maxReasons = 1000;

/** Characters (Unicode code points) of a failed record that a manifest shows. */
export const maxRawCharacters = 500;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const time = z.iso.datetime();

/** The version that is written. A manifest of version 1 lacks the fields marked "since 2". */
export const manifestVersion = 2;

/** The control file that a file's feed requires, and what came of it (core/control/file-control.ts). */
const manifestControl = z.object({
  /** Its key, without its lane's prefix. */
  name: z.string(),
  kind: z.enum(controlKinds),
  result: z.enum(['agrees', 'differs', 'not_compared']),
  /** The version that was compared; null if none had come. */
  source: z
    .object({ bucket: z.string(), key: z.string(), version_id: z.string().nullable(), etag: z.string(), bytes: count })
    .nullable(),
  /** Of that version's bytes. */
  sha256: sha256.nullable(),
  /** Its copy in the archive; null if it was gone by then. */
  control_key: z.string().nullable(),
  /** A longer record of the file had no values to compare. Bytes. */
  max_record_bytes: count,
  missing: count,
  extra: count,
  /** The list of both; null if there is none. */
  differences_key: z.string().nullable(),
  differences_sha256: sha256.nullable(),
});
export type ManifestControl = z.infer<typeof manifestControl>;

/**
 * The account of one file, stored next to it in the archive. The schema reads version 1 as well, whose missing fields are
 * null or empty here; `cli/verify` distinguishes them.
 */
export const manifest = z.object({
  manifest_version: z.literal([1, manifestVersion]),
  /** 1 for the first; amendments have the following numbers and never replace it. */
  manifest_number: z.int().positive(),
  /** SHA-256 of the previous manifest's bytes; null for the first. Since 2. */
  previous_manifest_sha256: sha256.nullable().default(null),
  tool: z.literal('sluice'),
  tool_version: z.string(),
  file_id: z.string(),
  feed: z.string(),
  lane: z.string(),
  state: z.enum(fileStates),
  source: z.object({
    bucket: z.string(),
    key: z.string(),
    version_id: z.string().nullable(),
    etag: z.string(),
  }),
  /** Keys of the source, the receipts and this manifest. */
  archive: z.object({
    bucket: z.string(),
    source_key: z.string().nullable(),
    receipts_key: z.string().nullable(),
    /** The failed records' receipts only; null if there are none. This field and the next one were added later. */
    dead_letters_key: z.string().nullable().default(null),
    /** SHA-256 of the bytes of these two objects; also added later. */
    receipts_sha256: sha256.nullable().default(null),
    dead_letters_sha256: sha256.nullable().default(null),
    /** One line per dead letter that has been resolved since; null if none has. */
    resolutions_key: z.string().nullable().default(null),
    /** SHA-256 of that object's bytes. Since 2. */
    resolutions_sha256: sha256.nullable().default(null),
    /** The report of this account, and the SHA-256 of its bytes; null if rendering failed. Since 2. */
    report_key: z.string().nullable().default(null),
    report_sha256: sha256.nullable().default(null),
    manifest_key: z.string(),
  }),
  /** SHA-256 of the file's bytes, lower-case hex, as `sha256sum` prints it. Null if the file could not be read. */
  checksum: z.string().nullable(),
  bytes: count,
  format: z.string().nullable(),
  /** These were added later: older manifests have none. */
  encoding: z.string().nullable().default(null),
  compression: z.enum(compressions).nullable().default(null),
  /** The only file of a ZIP archive. */
  zip_member: z.string().nullable().default(null),
  /** The text's encoding before it was decoded into UTF-8. */
  decoded_from: z.enum(utf16Encodings).nullable().default(null),
  /** Bytes after decompression and decoding, to which `offset` refers. */
  content_bytes: count.nullable().default(null),
  /** Offset of the first byte after a BOM, a CSV header or an array's bracket; null if the format is unknown. Since 2. */
  body_offset: count.nullable().default(null),
  /** For a CSV with a preamble: the bytes before its header's line. Absent from others, as it was added later. */
  preamble_bytes: count.optional(),
  /**
   * The number of bundled small files, one record each: each receipt names its file. Null for a file that isn't a bundle.
   */
  bundled_files: count.nullable().default(null),
  total_records: count,
  valid_records: count,
  uploaded_records: count,
  duplicate_records: count,
  /** The API has them from an earlier revision of the file. Added later: an older manifest has none. */
  unchanged_records: count.default(0),
  /**
   * Records of the earlier revision that this one does not have: they are not part of the sum, and are to be removed from
   * the schedule by hand. Also added later, as is the next field.
   */
  removed_records: count.default(0),
  /** The earlier revisions that it was compared with, the newest first: their evidence says what the API has. */
  compared_with: z
    .array(
      z.object({
        file_id: z.string(),
        manifest_number: z.int().positive(),
        /** SHA-256 of that manifest's bytes. Absent from older manifests. */
        manifest_sha256: sha256.optional(),
        receipts_key: z.string(),
        receipts_sha256: sha256,
      }),
    )
    .default([]),
  /** What it changes, as a CSV in the archive. Absent if it was not compared, and from older manifests. */
  comparison: z
    .object({
      /** New records, and those with another content than before. */
      new_records: count,
      changed_records: count,
      changes_key: z.string(),
      changes_sha256: sha256,
    })
    .optional(),
  /** What its control file says. Absent if its feed required none, and from older manifests. */
  control: manifestControl.optional(),
  /**
   * Its bytes are those of an older revision of its series: the file id follows the checksum in what its request ids are
   * hashes of. Also added later.
   */
  request_ids_have_file_id: z.boolean().default(false),
  rejected_records: count,
  refused_records: count,
  exhausted_records: count,
  held_records: count,
  /**
   * Records that were never sent to a consumer and have no receipts: each record is either here or in the receipts, once.
   */
  held_ranges: z.array(z.object({ first_record: z.int().positive(), last_record: z.int().positive() })).default([]),
  /** Rejected, refused and exhausted records whose letter is still open. */
  dead_lettered_records: count,
  /** Former dead letters that have succeeded since. */
  resolved_records: count,
  /** Dead letters that a person has settled by hand: still counted by their outcome, no longer open. */
  handled_records: count.default(0),
  /** The sum is exact, and the receipts hold each record exactly once. */
  reconciled: z.boolean(),
  /** Roots over the receipts' contents, in file order; null if there are none, and in an older manifest. */
  proof: z
    .object({
      leaves: count,
      /** Merkle root (RFC 6962) over the records' SHA-256: 32 bytes per leaf. */
      records_root: sha256,
      /** The same over the receipts' lines, without their line feeds. */
      receipts_root: sha256,
    })
    .nullable()
    .default(null),
  /**
   * Signature over this manifest's bytes, in a separate object. Null if the stack has no key to sign with, and in older
   * manifests.
   */
  signature: z
    .object({
      /** ECDSA on P-256, DER-encoded; the names are KMS's. */
      algorithm: z.literal('ECDSA_SHA_256'),
      key_arn: z.string(),
      /** SHA-256 of the public key's SubjectPublicKeyInfo. */
      public_key_sha256: sha256,
      /** Key of the public key's PEM object, and the SHA-256 of that object's bytes (since 2). */
      public_key_key: z.string(),
      public_key_pem_sha256: sha256.nullable().default(null),
      signature_key: z.string(),
    })
    .nullable()
    .default(null),
  duplicate_of: z.string().nullable(),
  failure: z.object({ code: z.string(), message: z.string() }).nullable(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  /** Who decided what, and why, by time. Absent if there are none, and from older manifests. */
  decisions: z.array(manifestDecision).min(1).optional(),
  /** The first `maxErrors`, in file order. */
  errors: z.array(manifestError),
  errors_truncated: z.boolean(),
  /** All open dead letters, counted by outcome and reason, in order of first appearance. Since 2. */
  errors_by_reason: z.array(reasonCount).default([]),
  times: z.object({
    received: time,
    split: time.nullable(),
    first_upload: time.nullable(),
    last_upload: time.nullable(),
    completed: time,
    duration_seconds: z.number().nonnegative(),
    upload_seconds: z.number().nonnegative(),
    /**
     * Records that were accepted between first and last upload: those that were accepted later, as corrections or after a
     * redrive, are not among them. Absent from older manifests, whose rate includes them.
     */
    delivered_records: count.optional(),
    records_per_second: z.number().nonnegative(),
  }),
});
export type HeldRange = Manifest['held_ranges'][number];

/**
 * A superseded file that was not read to its end, so that which records were not sent is unknown. One that a newer revision
 * has stopped was.
 */
export const isOfReplaced = ({ state, failure }: Pick<Manifest, 'state' | 'failure'>): boolean =>
  state === 'superseded' && failure?.code !== 'newer_revision';
export type Manifest = z.infer<typeof manifest>;

/**
 * A manifest's facts about its file as a whole: counts, hashes, keys and times. Its lists of single records and ranges
 * grow with the file and stay in the archive, since a DynamoDB item holds at most 400 KB.
 */
export type ManifestSummary = Omit<Manifest, 'errors' | 'errors_by_reason' | 'held_ranges' | 'decisions'>;

/** The ledger's item of a manifest. */
export const manifestFigures = manifest
  .omit({ errors: true, errors_by_reason: true, held_ranges: true, decisions: true })
  .extend({
    /** SHA-256 of the manifest's bytes in the archive. */
    manifest_sha256: sha256,
  });
export type ManifestFigures = z.infer<typeof manifestFigures>;

/** @param manifestSha256 SHA-256 of the manifest's bytes, lower-case hex */
export function figuresOf(manifest: Manifest, manifestSha256: string): ManifestFigures {
  const {
    errors: _errors,
    errors_by_reason: _reasons,
    held_ranges: _ranges,
    decisions: _decisions,
    ...summary
  } = manifest;
  return { ...summary, manifest_sha256: manifestSha256 };
}
