import { atMost } from '../core/at-most.ts';
import type { SourceObject } from '../core/account/file-account.ts';
import { fileIdOf } from '../core/account/file-id.ts';
import type { Deadline } from '../runtime/deadline.ts';
import type { BundlePorts, Bundling } from './bundle-files.ts';
import { bundleFiles } from './bundle-files.ts';
import { withHead } from './with-head.ts';

/** Concurrent HEADs, of objects that were announced without a size. */
const headsAtOnce = 48;

/** The small files of an invocation, from any number of messages: they are bundled once, all together. */
export class SmallFiles {
  readonly #announced: readonly SourceObject[];
  readonly #ports: BundlePorts;
  #outcome: Promise<Map<string, Bundling>> | undefined;

  constructor(announced: readonly SourceObject[], ports: BundlePorts) {
    this.#announced = announced;
    this.#ports = ports;
  }

  /**
   * Resolves once the file is in an account, or is known to need its own; `pending`: its message must come back later.
   * @throws the error that kept it from being read or bundled
   */
  async bundle(source: SourceObject, deadline: Deadline): Promise<Exclude<Bundling, { kind: 'failed' }>> {
    this.#outcome ??= this.#bundleAll(deadline);
    const bundling = (await this.#outcome).get(this.#idOf(source)) ?? { kind: 'ordinary' };
    if (bundling.kind === 'failed') throw bundling.error;
    return bundling;
  }

  /** @returns the outcomes by the id that each file was announced by */
  async #bundleAll(deadline: Deadline): Promise<Map<string, Bundling>> {
    const outcome = new Map<string, Bundling>();
    const found = await atMost(headsAtOnce, this.#announced, (source) =>
      withHead(source, this.#ports.sources).catch((error: unknown) => {
        outcome.set(this.#idOf(source), { kind: 'failed', error });
        return undefined;
      }),
    );
    const { maxRecordBytes } = this.#ports.feed;
    const small = found.flatMap((source) => (source && source.sizeBytes <= maxRecordBytes ? [source] : []));
    const bundled = await bundleFiles(small, this.#ports, deadline);
    found.forEach((source, index) => {
      const bundling = source && bundled.get(this.#idOf(source));
      // A HEAD may have found the version that the event lacks, and so another id.
      if (bundling) outcome.set(this.#idOf(this.#announced[index] as SourceObject), bundling);
    });
    return outcome;
  }

  #idOf(source: SourceObject): string {
    return fileIdOf(this.#ports.feed.name, source);
  }
}
