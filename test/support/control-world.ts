import type { ControlKind } from '../../feeds/control-rule.ts';
import type { FileAccount, SourceObject } from '../../lambdas/core/account/file-account.ts';
import { fileIdOf } from '../../lambdas/core/account/file-id.ts';
import { SourceChangedError } from '../../lambdas/core/errors.ts';
import type { Deadline } from '../../lambdas/runtime/deadline.ts';
import type { ControlSettings } from '../../lambdas/splitter/control-settings.ts';
import { noteControl } from '../../lambdas/splitter/note-control.ts';
import { splitFile } from '../../lambdas/splitter/split-file.ts';
import { inMemoryArchive } from './in-memory-archive.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SplitterWorld } from './splitter-world.ts';
import { noDeadline, smallLimits, splitterWorld } from './splitter-world.ts';

interface Version {
  source: SourceObject;
  bytes: Buffer;
  modifiedAt: number;
}

/** A lane's splitter over a bucket with versions, whose feed requires control files. */
export class ControlWorld {
  readonly clock = new SimulatedClock();
  readonly world: SplitterWorld;
  readonly rule: ControlSettings;
  readonly archived = new Map<string, Buffer>();
  readonly #objects: Version[] = [];

  constructor(kind: ControlKind, comes: ControlSettings['comes'] = 'after') {
    this.world = splitterWorld(this.clock, Buffer.of());
    this.rule = { suffix: '.ctl', comes, kind, waitMinutes: 30, keyPrefix: 'traffic/', lane: 'main' };
    const find = ({ key, versionId }: { key: string; versionId?: string }) =>
      this.#objects.findLast(
        ({ source }) => source.key === key && (versionId ?? source.versionId) === source.versionId,
      );
    Object.assign(this.world.ports, {
      control: this.rule,
      lists: inMemoryArchive(this.archived, () => this.world.onStep('before a list')),
      sources: {
        head: async (source: SourceObject) => {
          const found = find(source);
          return found && { ...found.source, modifiedAt: found.modifiedAt };
        },
        read: async function* read(source: SourceObject, offset: number) {
          const found = find(source);
          if (!found) throw new SourceChangedError('gone');
          for (let at = offset; at < found.bytes.length; at += 700) yield found.bytes.subarray(at, at + 700);
        },
      },
    });
  }

  /** Stores a new version of an object, one second after the one before. */
  async store(name: string, content: string | Buffer, prefix = 'traffic/'): Promise<SourceObject> {
    await this.clock.advance(1000);
    const bytes = Buffer.from(content);
    const versionId = `v${this.#objects.length + 1}`;
    const source = {
      bucket: 'intake',
      key: `${prefix}${name}`,
      versionId,
      etag: `"${versionId}"`,
      sizeBytes: bytes.length,
    };
    this.#objects.push({ source, bytes, modifiedAt: this.clock.now() });
    return source;
  }

  delete({ versionId }: SourceObject): void {
    this.#objects.splice(
      this.#objects.findIndex(({ source }) => source.versionId === versionId),
      1,
    );
  }

  /** As S3's event does. */
  async announce(source: SourceObject, deadline: Deadline = noDeadline): Promise<FileAccount | undefined> {
    const { ports } = this.world;
    if (await noteControl(source, ports)) return undefined;
    const fileId = fileIdOf('traffic', source);
    await splitFile(fileId, { fileId, feed: 'traffic', lane: 'main', source, limits: smallLimits }, ports, deadline);
    return this.account(source);
  }

  async drop(name: string, content: string | Buffer): Promise<SourceObject> {
    const source = await this.store(name, content);
    await this.announce(source);
    return source;
  }

  /** Handles the messages that wait, each once its time has come; what is queued meanwhile is left. */
  async continueAll(): Promise<void> {
    const { intake, delaysSeconds, ports } = this.world;
    const messages = intake.splice(0);
    const delays = delaysSeconds.splice(0);
    for (const [index, { fileId }] of messages.entries()) {
      await this.clock.advance((delays[index] ?? 0) * 1000);
      await splitFile(fileId, undefined, ports, noDeadline);
    }
  }

  account(source: SourceObject): FileAccount {
    const file = this.world.ports.ledger.files.get(fileIdOf('traffic', source));
    if (!file) throw new Error(`There is no account of ${source.key}.`);
    return file;
  }

  /** Records of the file in the queue. */
  sentOf(source: SourceObject): number {
    const own = this.world.sent.filter(({ fileId }) => fileId === fileIdOf('traffic', source));
    return new Map(own.map(({ batch, records }) => [batch, records])).values().reduce((sum, each) => sum + each, 0);
  }

  /** The list of differences, as its lines. */
  listOf(source: SourceObject): string[] {
    const { key = '' } = this.account(source).control?.differences ?? {};
    return this.archived.get(key)?.toString().replace('\uFEFF', '').trimEnd().split('\r\n') ?? [];
  }
}
