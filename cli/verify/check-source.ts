import { isUtf8 } from 'node:buffer';
import { statSync } from 'node:fs';
import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { Manifest } from '../../lambdas/core/account/manifest.ts';
import { checkContent } from '../../lambdas/content/check-content.ts';
import { readContent } from '../../lambdas/content/read-content.ts';
import type { SourceObjects } from '../../lambdas/ports.ts';
import { ContentReader } from '../../lambdas/content/content-reader.ts';
import { readChunks } from './evidence-lines.ts';
import type { CheckedReceipt } from './read-receipt.ts';
import { maxGapBytes, SourceLayout } from './source-layout.ts';
import type { Verified } from './verified.ts';
import { mustHold } from './verified.ts';

/**
 * Opens a source at the first byte of its content, to which records' offsets refer: decompressed and decoded.
 * @throws DoesNotHoldError if the content differs from the manifest
 */
export async function openSource(manifest: Manifest, path: string): Promise<SourceCheck> {
  const stored = await readStored(manifest, path);
  return new SourceCheck(manifest, readContent(stored, undefined, stored.sources, 0));
}

/**
 * How a source's bytes contain its content. Compression and encoding are detected from the bytes, as when the file was
 * dropped, and must be those that the manifest names.
 * @throws DoesNotHoldError if they are not
 */
export async function readStored(manifest: Manifest, path: string): Promise<StoredSource> {
  const { content_bytes: contentBytes, compression, decoded_from: decodedFrom, zip_member: member } = manifest;
  const source = { bucket: '', key: manifest.source.key, etag: '', sizeBytes: statSync(path).size };
  const sources = { read: (_: unknown, offset: number) => readChunks(path, offset) };
  const check = await checkContent(source, undefined, {
    sources,
    limits: { maxContentBytes: Infinity, maxRatio: Infinity },
    onChunk: async (bytes) => (bytes > (contentBytes ?? Infinity) ? 'stop' : 'go-on'),
  });
  mustHold(check.kind !== 'refused', `the source can't be read: ${check.kind === 'refused' ? check.message : ''}`);
  mustHold(check.kind !== 'out-of-time', `the source's content has more than ${contentBytes} bytes`);
  const content = check.kind === 'stored' ? check.content : undefined;
  const isNamed =
    (content?.compression ?? null) === compression &&
    (content?.decodedFrom ?? null) === decodedFrom &&
    (content?.member?.name ?? null) === member;
  mustHold(isNamed, 'the source is not compressed or encoded as the manifest says');
  return { source, sources, ...(content ? { content } : {}) };
}

export interface StoredSource extends Pick<FileAccount, 'source' | 'content'> {
  sources: Pick<SourceObjects, 'read'>;
}

/** Longest part of a record that a receipt quotes (`letter-of.ts`). Bytes. */
const maxQuotedBytes = 64 * 1024;
const headBytes = 1024;

/**
 * Walks through a source's content record by record: each is where its receipt says, once, with only separators between
 * records. A run of records without receipts (held ones) is skipped.
 */
export class SourceCheck {
  readonly #manifest: Manifest;
  readonly #content: ContentReader;
  readonly #layout: SourceLayout;
  #record = 0;

  constructor(manifest: Manifest, content: AsyncIterable<Buffer>) {
    this.#manifest = manifest;
    this.#content = new ContentReader(content);
    this.#layout = new SourceLayout(manifest);
  }

  /**
   * @param isNext whether its number follows the previous one: if not, the bytes between them can't be checked
   * @throws DoesNotHoldError
   */
  async add(receipt: CheckedReceipt, isNext: boolean): Promise<void> {
    const { record, offset, length, raw_encoding: encoding, raw_payload: payload } = receipt;
    mustHold(offset >= this.#content.offset, `record ${record} begins within the previous one`);
    await this.#passGap(offset, isNext, receipt);
    const quoted = encoding === 'head' ? headBytes : maxQuotedBytes;
    mustHold(
      payload === undefined || encoding === 'head' || length <= maxQuotedBytes,
      `record ${record} is too long to be quoted as a whole`,
    );
    const { sha256, head } = await this.#content.digestTo(offset + length, payload === undefined ? 0 : quoted);
    mustHold(
      this.#content.offset === offset + length && sha256 === receipt.sha256,
      `record ${record}: the source at byte ${offset} is not what its receipt says`,
    );
    mustHold(
      payload === undefined || payload === quoteOf(head, encoding),
      `record ${record} is quoted differently from the source`,
    );
    this.#record = record;
  }

  /** @param isWhole whether the last record of the file has been added */
  async end(isWhole: boolean): Promise<Verified[]> {
    const content = this.#content;
    const { content_bytes: bytes, manifest_version: version } = this.#manifest;
    await this.#passGap(bytes ?? Number.MAX_SAFE_INTEGER, isWhole, undefined);
    // One more byte shows that the record is longer.
    const isAll = bytes === null || (content.offset === bytes && (await content.readTo(bytes + 1)).length === 0);
    mustHold(isAll, `the source's content does not have ${bytes} bytes`);
    const sentence = 'each record is in the source once, at the position in its receipt, with the same bytes';
    if (version > 1) {
      const unchecked = this.#layout.unchecked.map((each) => ({ sentence: `${each}: not checked`, isSkipped: true }));
      return [{ sentence: `${sentence}, and nothing but separators between them` }, ...unchecked];
    }
    const skipped = 'the content between the records was not checked: a manifest of version 1 has no body_offset';
    return [{ sentence }, { sentence: skipped, isSkipped: true }];
  }

  async #passGap(end: number, isNext: boolean, next: CheckedReceipt | undefined): Promise<void> {
    const content = this.#content;
    const after = this.#record;
    if (this.#manifest.manifest_version === 1) return content.skipTo(end);
    const head = this.#manifest.body_offset ?? 0;
    if (after === 0) {
      mustHold(head <= end && head <= maxGapBytes, 'body_offset is after the first record');
      this.#layout.checkHead(await content.readTo(head));
    }
    if (!isNext) return content.skipTo(end);
    if (end - content.offset <= maxGapBytes) {
      return this.#layout.checkGap(await content.readTo(end), { after, next });
    }
    for await (const part of content.to(end)) this.#layout.checkPart(part, { after, next });
  }
}

/** In the form of a receipt (`letter-of.ts`). */
function quoteOf(head: Buffer, encoding: CheckedReceipt['raw_encoding']): string | undefined {
  if (encoding !== 'text') return head.toString('base64');
  return isUtf8(head) ? head.toString('utf8') : undefined;
}
