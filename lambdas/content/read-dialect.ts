import type { Feed } from '../../feeds/feed.ts';
import type { FileAccount } from '../core/account/file-account.ts';
import { contentBytesOf } from '../core/account/file-account.ts';
import { describeBeginning, detectDialect, namesOf } from '../core/records/detect-dialect.ts';
import type { Dialect } from '../core/records/dialect.ts';
import { cutRules } from '../core/records/dialect.ts';
import { readContent } from './read-content.ts';
import type { SourceObjects } from '../ports.ts';

/** The header's limit is far below this; if the dialect is not clear by then, it never will be. Bytes. */
const maxHeadBytes = 1024 * 1024;

export type DialectReading =
  | { kind: 'dialect'; dialect: Dialect }
  | { kind: 'refused'; code: string; message: string }
  /** @param dialect in which it has no records, since nothing of it is read */
  | { kind: 'empty'; warning: { code: string; message: string }; dialect: Dialect };

const emptyOf = (sizeBytes: number): DialectReading => ({
  kind: 'empty',
  warning: { code: 'empty_file', message: 'The file has no records: it is empty or blank.' },
  dialect: { format: 'jsonl', encoding: 'utf-8', bodyOffset: sizeBytes, bodyLine: 1, rules: cutRules },
});

/** Determines from a file's beginning how its records are laid out, or why it can't be this feed's file. */
export async function readDialect(
  file: Pick<FileAccount, 'source' | 'content'>,
  whole: Buffer | undefined,
  ports: {
    sources: Pick<SourceObjects, 'read'>;
    feed: Pick<Feed, 'formats' | 'columns' | 'preamble' | 'recordsIn' | 'encoding'>;
  },
): Promise<DialectReading> {
  const sizeBytes = contentBytesOf(file);
  if (sizeBytes === 0) return emptyOf(sizeBytes);
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of readContent(file, whole, ports.sources, 0)) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const atEnd = head.length >= sizeBytes;
    // Decoded content is UTF-8, whatever the feed's usual encoding.
    const encoding = file.content?.decodedFrom ? 'utf-8' : ports.feed.encoding;
    const key = file.content?.member?.name ?? file.source.key;
    const found = detectDialect(head, atEnd, { ...ports.feed, encoding, key });
    if (found.kind === 'empty') return emptyOf(sizeBytes);
    if (found.kind !== 'more') return found;
    if (head.length > maxHeadBytes) break;
  }
  return {
    kind: 'refused',
    code: 'unknown_format',
    message: `The file does not look like ${namesOf(ports.feed.formats)} in its first ${head.length} bytes: ${describeBeginning(head)}.`,
  };
}
