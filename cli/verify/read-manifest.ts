import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { manifest as manifestSchema } from '../../lambdas/core/account/manifest.ts';
import { DoesNotHoldError, mustHold } from './verified.ts';
import { parseStrictJson } from './strict-json.ts';

/** A manifest as read from a file of that name. */
export interface ReadManifest {
  bytes: Buffer;
  manifest: Manifest;
  /** The common folder of all of its objects in the archive bucket. */
  folder: string;
}

/**
 * @param name of its file, which must be the manifest's own name
 * @throws DoesNotHoldError if it does not have the documented form
 */
export function readManifest(bytes: Buffer, name: string): ReadManifest {
  const json = parseStrictJson(bytes, name);
  const read = manifestSchema.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new DoesNotHoldError(`${name} is not a manifest: ${issue?.path.join('.')} ${issue?.message}`);
  }
  const manifest = read.data;
  const isV1 = manifest.manifest_version === 1;
  mustHold(
    isV1 ? isPartOf(json, manifest) : isDeepStrictEqual({ ...addedLater, ...(json as object) }, manifest),
    `${name} has an unknown field, or lacks one: it may be of a newer version of Sluice`,
  );
  checkForm(manifest, name);
  return { bytes, manifest, folder: checkNames(manifest, name) };
}

/** What an older manifest of version 2 does not have, and means. */
const addedLater = { unchanged_records: 0, removed_records: 0, compared_with: [], request_ids_have_file_id: false };

/** Checks that the schema, which reads both versions, does not make. */
function checkForm(manifest: Manifest, name: string): void {
  const { manifest_version: version, state, times, archive, signature, content_bytes: bytes } = manifest;
  mustHold(
    state !== 'splitting' && state !== 'split',
    `${name} says that the file is ${state}: then it has no manifest`,
  );
  const named = [times.received, times.split, times.first_upload, times.last_upload, times.completed];
  const odd = named.find((time) => time !== null && !isTime(time));
  mustHold(odd == null, `${odd} in ${name} is not a time in milliseconds, UTC`);
  const isWhole = bytes !== null && (signature === null || signature.public_key_pem_sha256 !== null);
  mustHold(version === 1 || isWhole, `${name} lacks a field`);
  const isOld =
    archive.report_key === null &&
    manifest.body_offset === null &&
    manifest.preamble_bytes === undefined &&
    manifest.comparison === undefined &&
    manifest.control === undefined &&
    times.delivered_records === undefined;
  mustHold(version > 1 || isOld, `${name} is of version 1, and has fields of version 2`);
}

/** Times in JavaScript's own form, so that they can be compared as text. */
export function isTime(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) || text.startsWith('0000')) return false;
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString() === text;
}

/** A manifest of version 1 may lack fields that came later; it must not have unknown ones. */
function isPartOf(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null) return part === whole;
  if (typeof whole !== 'object' || whole === null || Array.isArray(part) !== Array.isArray(whole)) return false;
  return Object.entries(part).every(
    ([name, value]) => Object.hasOwn(whole, name) && isPartOf(value, (whole as Record<string, unknown>)[name]),
  );
}

export const manifestName = (number: number): string => (number === 1 ? 'manifest.json' : `manifest.${number}.json`);

/** Checks that names follow from numbers and hashes, so that no object can replace another. Returns the folder. */
function checkNames(manifest: Manifest, name: string): string {
  const { archive, signature, file_id: id, manifest_number: number } = manifest;
  const own = manifestName(number);
  mustHold(name === own, `${name} says that it is manifest ${number} of its file, whose name would be ${own}`);
  const folder = archive.manifest_key.slice(0, -own.length - 1);
  mustHold(
    archive.manifest_key === `${folder}/${own}` && (folder === id || folder.endsWith(`/${id}`)),
    `the manifest's own key is ${archive.manifest_key}`,
  );
  const inFolder = (key: string | null | undefined, names: RegExp | string): void => {
    if (key == null) return;
    const found = key.startsWith(`${folder}/`) ? key.slice(folder.length + 1) : '';
    const isNamed = typeof names === 'string' ? found === names : names.test(found);
    // Half of a surrogate pair can't be in an object's name; on a disk it would match another name.
    mustHold(isNamed && key.isWellFormed(), `the manifest names ${key}`);
  };
  const isV1 = manifest.manifest_version === 1;
  inFolder(archive.source_key, /^source\/(?!\.{1,2}$)[^/\0]+$/);
  inFolder(archive.receipts_key, /^receipts(\.[a-z0-9-]+)?\.ndjson\.gz$/);
  inFolder(archive.dead_letters_key, /^dead-letters(\.[a-z0-9-]+)?\.ndjson\.gz$/);
  inFolder(
    archive.resolutions_key,
    isV1 ? /^resolutions\.[0-9a-f]{16}\.ndjson$/ : `resolutions.${archive.resolutions_sha256}.ndjson`,
  );
  inFolder(manifest.comparison?.changes_key, /^changes(\.[1-9][0-9]*)?\.csv$/);
  inFolder(manifest.control?.control_key, 'control-file');
  inFolder(manifest.control?.differences_key, `control-differences.${manifest.control?.differences_sha256}.csv`);
  inFolder(archive.report_key, `report.${number}.${archive.report_sha256}.html`);
  inFolder(signature?.signature_key, `${own}.sig`);
  const key = signature?.public_key_sha256;
  inFolder(signature?.public_key_key, `signing-key.${isV1 ? key?.slice(0, 16) : key}.pem`);
  return folder;
}
