import type { SourceObject } from '../core/account/file-account.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BundlePorts, Bundling } from './bundle-files.ts';
import { bundleFiles } from './bundle-files.ts';

/** The small files of an invocation, from any number of messages: they are bundled once, all together. */
export class SmallFiles {
  /** By file id. */
  readonly #sources: ReadonlyMap<string, SourceObject>;
  readonly #ports: BundlePorts;
  #outcome: Promise<Map<string, Bundling>> | undefined;

  constructor(sources: readonly SourceObject[], ports: BundlePorts) {
    this.#ports = ports;
    const small = sources.filter(({ sizeBytes, etag }) => etag !== '' && this.#isSmall(sizeBytes));
    this.#sources = new Map(small.map((source) => [this.#idOf(source), source]));
  }

  /**
   * Resolves once the file is in an account, or is known to need its own; `pending`: its message must come back later.
   * @throws the error that kept it from being read or bundled
   */
  async bundle(source: SourceObject, deadline: Deadline): Promise<Exclude<Bundling, { kind: 'failed' }>> {
    const id = this.#idOf(source);
    if (!this.#sources.has(id)) return { kind: 'ordinary' };
    this.#outcome ??= bundleFiles([...this.#sources.values()], this.#ports, deadline);
    const bundling = (await this.#outcome).get(id) ?? { kind: 'ordinary' };
    if (bundling.kind === 'failed') throw bundling.error;
    return bundling;
  }

  #idOf(source: SourceObject): string {
    return fileIdOf(this.#ports.feed.name, source);
  }

  #isSmall(sizeBytes: number): boolean {
    return sizeBytes >= 0 && sizeBytes <= this.#ports.feed.maxRecordBytes;
  }
}
