import type { ArchiveKeys } from '../account/archive-keys.ts';

/** Keys of a feed's night log in the archive bucket: one folder per feed. */
export interface NightKeys extends Pick<ArchiveKeys, 'signature' | 'publicKey'> {
  folder: string;
  entry(number: number): string;
  /** Named by the SHA-256 of its bytes, since each finalizer draws its own page. */
  page(number: number, sha256: string): string;
}

export function nightKeysOf(feed: string): NightKeys {
  const folder = `nights/${feed}`;
  const entry = (number: number): string => `${folder}/${number}.json`;
  return {
    folder,
    entry,
    page: (number, sha256) => `${folder}/${number}.${sha256}.html`,
    signature: (number) => `${entry(number)}.sig`,
    publicKey: (sha256) => `${folder}/signing-key.${sha256}.pem`,
  };
}
