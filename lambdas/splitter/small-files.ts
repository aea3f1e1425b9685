import type { SourceObject } from '../core/account/file-account.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BundlePorts, Bundling } from './bundle-files.ts';
import { bundleFiles } from './bundle-files.ts';

/** The small files of an invocation, from any number of messages: they are bundled once, all together. */
export class SmallFiles {
  readonly #sources: readonly SourceObject[];
  readonly #ports: BundlePorts;
  #outcome: Promise<Map<string, Bundling>> | undefined;

  constructor(sources: readonly SourceObject[], ports: BundlePorts) {
    this.#ports = ports;
    this.#sources = sources.filter(({ sizeBytes, etag }) => etag !== '' && this.#isSmall(sizeBytes));
  }

  /** False if the file needs its own account. @throws the error that kept it from being read or bundled */
  async has(source: SourceObject, deadline: Deadline): Promise<boolean> {
    const id = this.#idOf(source);
    if (!this.#sources.some((each) => this.#idOf(each) === id)) return false;
    this.#outcome ??= bundleFiles(this.#sources, this.#ports, deadline);
    const bundling = (await this.#outcome).get(id);
    if (bundling?.kind === 'failed') throw bundling.error;
    return bundling?.kind === 'accounted';
  }

  #idOf(source: SourceObject): string {
    return fileIdOf(this.#ports.feed.name, source);
  }

  #isSmall(sizeBytes: number): boolean {
    return sizeBytes >= 0 && sizeBytes <= this.#ports.feed.maxRecordBytes;
  }
}
