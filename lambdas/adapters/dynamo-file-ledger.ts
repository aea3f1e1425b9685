import type { BatchGetCommandOutput } from '@aws-sdk/lib-dynamodb';
import { BatchGetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { FileAccount, FileState, SourceObject } from '../core/account/file-account.ts';
import { AwsFaultError } from '../core/errors.ts';
import { fileIdOf } from '../core/records/identity.ts';
import type { ManifestFigures } from '../core/account/manifest.ts';
import { manifestFigures } from '../core/account/manifest.ts';
import { noCounts } from '../core/account/outcome.ts';
import { blocksSameBytes } from '../core/account/reading.ts';
import { schemaVersion } from '../core/account/schema-version.ts';
import type { Quarantine } from '../core/account/quarantine.ts';
import type { Clock, FileClaim, FileClose, FileLedger, FileList, NewBundle, NewFile, SplitProgress } from '../ports.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { expiryOf, isConditionFailure, withoutKeys } from './dynamo-table.ts';

type Warnings = { code: string; message: string }[];

/** `FILE#<id>` / `FILE`, `FILE#<id>` / `MANIFEST#<n>` (figures only), and `SHA#<feed>#<sha256>` / `FILE`. */
export class DynamoFileLedger implements FileLedger {
  readonly #table: DynamoTable;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(table: DynamoTable, clock: Pick<Clock, 'now'>) {
    this.#table = table;
    this.#clock = clock;
  }

  async claimFile(
    fileId: string,
    create: NewFile | undefined,
    owner: string,
    leaseMs: number,
  ): Promise<FileClaim | { kind: 'unknown' }> {
    const now = this.#clock.now();
    const created = create && (await this.#createFile(create, owner, now + leaseMs));
    if (created) return { kind: 'claimed', file: created };

    const taken = await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression:
        'SET leaseOwner = :owner, leaseUntil = :until, epoch = epoch + :one, updatedAt = :now REMOVE heldBackUntil',
      ConditionExpression:
        'attribute_exists(pk) AND #state = :splitting AND (attribute_not_exists(leaseUntil) OR leaseUntil < :now) ' +
        'AND (attribute_not_exists(heldBackUntil) OR heldBackUntil <= :now)',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':owner': owner,
        ':until': now + leaseMs,
        ':one': 1,
        ':now': now,
        ':splitting': 'splitting' satisfies FileState,
      },
    });
    if (taken) return { kind: 'claimed', file: withoutKeys(taken) };

    const file = await this.getFile(fileId);
    if (!file) return { kind: 'unknown' };
    if (file.state !== 'splitting') return { kind: 'finished', file };
    if ((file.heldBackUntil ?? 0) > now) return { kind: 'held-back', until: file.heldBackUntil as number };
    // Written after all: the answer got lost, and the SDK's repetition met the lease it had taken itself.
    if (file.leaseOwner === owner) return { kind: 'claimed', file };
    return { kind: 'busy', leaseUntil: file.leaseUntil ?? now };
  }

  async #createFile(create: NewFile, leaseOwner: string, leaseUntil: number): Promise<FileAccount | undefined> {
    const now = this.#clock.now();
    const file: FileAccount = {
      ...create,
      state: 'splitting',
      createdAt: now,
      updatedAt: now,
      epoch: 1,
      leaseOwner,
      leaseUntil,
      settledBatches: 0,
      settled: noCounts(),
    };
    const keys = {
      pk: pkOf(file.fileId),
      sk: 'FILE',
      v: schemaVersion,
      listPk: listPkOf('open', file.feed),
      listSk: listSkOf(file),
    };
    try {
      const command = new PutCommand({
        TableName: this.#table.name,
        Item: { ...keys, ...file },
        ConditionExpression: 'attribute_not_exists(pk)',
      });
      await this.#table.pastConflicts(() => this.#table.client.send(command));
      return file;
    } catch (error) {
      if (isConditionFailure(error)) return undefined;
      throw error;
    }
  }

  async createBundle(
    bundle: NewBundle,
    members: readonly SourceObject[],
  ): Promise<{ kind: 'created' } | { kind: 'taken'; members: FileAccount[] }> {
    const now = this.#clock.now();
    const common = { createdAt: now, updatedAt: now, epoch: 0, settledBatches: 0, settled: noCounts() };
    const { fileId, feed, lane, limits } = bundle;
    const file: FileAccount = { ...bundle, ...common, state: 'splitting' };
    const ids = members.map((source) => fileIdOf(feed, source));
    const places = members.map((source, index) => ({
      pk: pkOf(ids[index] ?? ''),
      sk: 'FILE',
      // A pointer; the bundle's account lives as long as its letters do.
      expiresAt: expiryOf(now),
      ...({
        ...common,
        ...{ fileId: ids[index] ?? '', feed, lane, limits, source },
        state: 'bundled',
        bundleId: fileId,
      } satisfies FileAccount),
    }));
    const keys = { pk: pkOf(fileId), sk: 'FILE', listPk: listPkOf('open', feed), listSk: listSkOf(file) };
    if (await this.#table.createAll([{ ...keys, ...file }, ...places])) return { kind: 'created' };
    const found = await Promise.all(ids.map((id) => this.getFile(id)));
    const taken = found.filter((each) => each !== undefined);
    // Written after all, and the answer got lost.
    if (taken.length > 0 && taken.every(({ bundleId }) => bundleId === fileId)) return { kind: 'created' };
    return { kind: 'taken', members: taken };
  }

  async saveSplitProgress(fileId: string, epoch: number, progress: SplitProgress): Promise<FileAccount | undefined> {
    return this.#updateAsOwner(fileId, epoch, { ...progress });
  }

  async releaseFile(fileId: string, epoch: number, heldBackUntil?: number): Promise<boolean> {
    const released = await this.#updateAsOwner(fileId, epoch, { heldBackUntil }, ['leaseOwner', 'leaseUntil']);
    return released !== undefined;
  }

  async finishSplit(
    fileId: string,
    epoch: number,
    totals: { records: number; batches: number },
    warnings: Warnings,
  ): Promise<FileAccount | undefined> {
    return this.#updateAsOwner(
      fileId,
      epoch,
      {
        state: 'split' satisfies FileState,
        totalRecords: totals.records,
        totalBatches: totals.batches,
        warnings,
        splitAt: this.#clock.now(),
      },
      ['leaseOwner', 'leaseUntil', 'hashProgress'],
    );
  }

  async endFile(
    fileId: string,
    epoch: number,
    end: Parameters<FileLedger['endFile']>[2],
  ): Promise<FileAccount | undefined> {
    const totals = end.state === 'superseded' ? end.totals : { records: 0, batches: 0 };
    return this.#updateAsOwner(
      fileId,
      epoch,
      {
        state: end.state,
        ...(end.state === 'duplicate' ? { duplicateOf: end.of } : { failure: end.failure }),
        totalRecords: totals.records,
        totalBatches: totals.batches,
        splitAt: this.#clock.now(),
      },
      ['leaseOwner', 'leaseUntil', 'hashProgress'],
    );
  }

  /** Sets and removes, as long as nobody has claimed the file since. */
  async #updateAsOwner(
    fileId: string,
    epoch: number,
    set: Record<string, unknown>,
    remove: string[] = [],
  ): Promise<FileAccount | undefined> {
    const values = Object.entries({ ...set, updatedAt: this.#clock.now() }).filter(([, value]) => value !== undefined);
    const names = Object.fromEntries(
      [...values.map(([name]) => name), ...remove, 'state'].map((name) => [`#${name}`, name]),
    );
    const removal = remove.length === 0 ? '' : ` REMOVE ${remove.map((name) => `#${name}`).join(', ')}`;
    const item = await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: `SET ${values.map(([name]) => `#${name} = :${name}`).join(', ')}${removal}`,
      ConditionExpression: 'epoch = :epoch AND #state = :splitting',
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: {
        ...Object.fromEntries(values.map(([name, value]) => [`:${name}`, value])),
        ':epoch': epoch,
        ':splitting': 'splitting' satisfies FileState,
      },
    });
    if (item) return withoutKeys<FileAccount>(item);
    // Ended by this very write, whose answer got lost: nobody else has this epoch.
    const file = set['state'] === undefined ? undefined : await this.getFile(fileId);
    return file?.epoch === epoch && file.state === set['state'] ? file : undefined;
  }

  async claimChecksum(
    feed: string,
    sha256: string,
    fileId: string,
    reading: string,
  ): Promise<{ kind: 'first' } | { kind: 'duplicate'; of: string }> {
    const [pk, sk] = [`SHA#${feed}#${sha256}`, `READ#${reading}`];
    const claim = (from: string | undefined) =>
      this.#table.update(pk, sk, {
        UpdateExpression: 'SET fileId = :file, expiresAt = :expires',
        ConditionExpression: from === undefined ? 'attribute_not_exists(pk) OR fileId = :file' : 'fileId = :from',
        ExpressionAttributeValues: {
          ':file': fileId,
          ':expires': expiryOf(this.#clock.now()),
          ...(from === undefined ? {} : { ':from': from }),
        },
      });
    for (;;) {
      const holder = (await this.#table.get(pk, sk))?.['fileId'] as string | undefined;
      // An earlier version kept one file for all ways of reading.
      const before = holder ?? ((await this.#table.get(pk, 'FILE'))?.['fileId'] as string | undefined);
      if (before !== undefined && before !== fileId && blocksSameBytes(await this.getFile(before))) {
        return { kind: 'duplicate', of: before };
      }
      // Whoever comes second of two finds the other as the holder.
      if (await claim(holder === fileId ? undefined : holder)) return { kind: 'first' };
    }
  }

  async getFile(fileId: string): Promise<FileAccount | undefined> {
    const item = await this.#table.get(pkOf(fileId), 'FILE');
    return item && withoutKeys<FileAccount>(item);
  }

  async closeFile(fileId: string, close: FileClose): Promise<boolean> {
    const file = await this.getFile(fileId);
    if (!file) return false;
    // Before the new figures are there: whoever is killed in between does it again.
    if (file.manifest && file.manifest.number < close.manifest.number) await this.#expireFigures(file);
    // While a letter is open the account must outlive it, however long the desk takes.
    const expiry =
      close.openLetters === 0
        ? { set: ', expiresAt = :expires', remove: '' }
        : { set: '', remove: ' REMOVE expiresAt' };
    const now = this.#clock.now();
    const closing = {
      Key: { pk: pkOf(fileId), sk: 'FILE' },
      UpdateExpression:
        `SET #state = :state, manifest = :manifest, listPk = :list, updatedAt = :now, ` +
        `completedAt = if_not_exists(completedAt, :now)${expiry.set}${expiry.remove}`,
      ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(manifest) OR manifest.#number < :number)',
      ExpressionAttributeNames: { '#state': 'state', '#number': 'number' },
      ExpressionAttributeValues: {
        ':state': close.state,
        ':manifest': close.manifest,
        ':number': close.manifest.number,
        ':list': listPkOf(close.openLetters === 0 ? 'closed' : 'dead', file.feed),
        ':now': now,
        ...(close.openLetters === 0 ? { ':expires': expiryOf(now) } : {}),
      },
    };
    const kept = close.figures.slice(-maxFigures).map((figures) => ({
      Key: { pk: pkOf(fileId), sk: manifestSkOf(figures.manifest_number) },
      UpdateExpression: `SET v = :v, figures = :figures${expiry.set}${expiry.remove}`,
      ExpressionAttributeValues: {
        ':v': schemaVersion,
        ':figures': figures,
        ...(close.openLetters === 0 ? { ':expires': expiryOf(now) } : {}),
      },
    }));
    return this.#table.transact([closing, ...kept]);
  }

  /** A newer manifest stands for the account from now on. Nothing where there are none: an earlier version kept no figures. */
  async #expireFigures({ fileId, manifest }: FileAccount): Promise<void> {
    await this.#table.update(pkOf(fileId), manifestSkOf(manifest?.number ?? 0), {
      UpdateExpression: 'SET expiresAt = if_not_exists(expiresAt, :expires)',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':expires': expiryOf(this.#clock.now()) },
    });
  }

  async getManifestFigures(fileId: string, number: number): Promise<ManifestFigures | undefined> {
    const item = await this.#table.get(pkOf(fileId), manifestSkOf(number));
    return item && manifestFigures.parse(withoutKeys<{ figures: unknown }>(item).figures);
  }

  async quarantineFile(fileId: string, quarantine: Quarantine): Promise<boolean> {
    const stopped = await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: 'SET quarantine = :quarantine, updatedAt = :now',
      ConditionExpression:
        '#state IN (:splitting, :split) AND attribute_not_exists(quarantine) AND attribute_not_exists(manifest)',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':quarantine': quarantine,
        ':now': this.#clock.now(),
        ':splitting': 'splitting' satisfies FileState,
        ':split': 'split' satisfies FileState,
      },
    });
    return stopped !== undefined;
  }

  async releaseQuarantine(fileId: string, by: string, why: string): Promise<FileAccount | undefined> {
    const file = await this.getFile(fileId);
    if (!file) return undefined;
    const now = this.#clock.now();
    const released = await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: 'SET #state = :split, #release = :release, listPk = :list, updatedAt = :now REMOVE expiresAt',
      ConditionExpression:
        '#state = :quarantined AND attribute_exists(manifest) AND attribute_exists(quarantine) ' +
        'AND attribute_not_exists(#release)',
      ExpressionAttributeNames: { '#state': 'state', '#release': 'release' },
      ExpressionAttributeValues: {
        ':split': 'split' satisfies FileState,
        ':quarantined': 'quarantined' satisfies FileState,
        ':release': { at: now, by, why },
        ':list': listPkOf('open', file.feed),
        ':now': now,
      },
    });
    return released && withoutKeys<FileAccount>(released);
  }

  async requestAmendment(fileId: string, repeatAfterMs: number): Promise<boolean> {
    const now = this.#clock.now();
    const marked = await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: 'SET amendmentRequestedAt = :now, lastResolvedAt = :now',
      ConditionExpression:
        'attribute_exists(pk) AND (attribute_not_exists(amendmentRequestedAt) OR amendmentRequestedAt < :long)',
      ExpressionAttributeValues: { ':now': now, ':long': now - repeatAfterMs },
    });
    if (marked) return true;
    await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: 'SET lastResolvedAt = :now',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':now': now },
    });
    return false;
  }

  async beginAmendment(fileId: string): Promise<void> {
    await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: 'REMOVE amendmentRequestedAt',
      ConditionExpression: 'attribute_exists(pk)',
    });
  }

  async touchFile(fileId: string): Promise<void> {
    await this.#table.update(pkOf(fileId), 'FILE', {
      UpdateExpression: 'SET updatedAt = :now',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':now': this.#clock.now() },
    });
  }

  async listFiles(
    feed: string,
    which: FileList,
    limit: number,
    order: 'newest' | 'oldest' = 'newest',
  ): Promise<FileAccount[]> {
    // Closed files stand in two parts of the index: those that somebody still has to look at can be had alone.
    const parts: FileList[] = which === 'closed' ? ['closed', 'dead'] : [which];
    const keys: FileKey[] = [];
    for (const part of parts) {
      let left = limit;
      const index = this.#table.query({
        IndexName: 'byFeed',
        KeyConditionExpression: 'listPk = :list',
        ExpressionAttributeValues: { ':list': listPkOf(part, feed) },
        ScanIndexForward: order === 'oldest',
        Limit: Math.min(limit, 1000),
      });
      for await (const item of index) {
        keys.push({ pk: item['pk'] as string, sk: 'FILE' });
        if (--left === 0) break;
      }
    }
    const files: FileAccount[] = [];
    for (let from = 0; from < keys.length; from += keysPerCall) {
      files.push(...(await this.#getFiles(keys.slice(from, from + keysPerCall))));
    }
    const sign = order === 'oldest' ? -1 : 1;
    return files.sort((a, b) => sign * (b.createdAt - a.createdAt) || (a.fileId < b.fileId ? -1 : 1)).slice(0, limit);
  }

  async *eachFile(feed: string, which: Exclude<FileList, 'closed'>): AsyncGenerator<FileAccount> {
    let keys: FileKey[] = [];
    const index = this.#table.query({
      IndexName: 'byFeed',
      KeyConditionExpression: 'listPk = :list',
      ExpressionAttributeValues: { ':list': listPkOf(which, feed) },
    });
    for await (const item of index) {
      keys.push({ pk: item['pk'] as string, sk: 'FILE' });
      if (keys.length < keysPerCall) continue;
      yield* (await this.#getFiles(keys)).sort(byAge);
      keys = [];
    }
    yield* (await this.#getFiles(keys)).sort(byAge);
  }

  /**
   * DynamoDB leaves out what is above 16 MB, and what it throttles: asked for again at once, it would be throttled again.
   * @param keys as many as a call takes
   * @throws AwsFaultError where call after call gives none of what is left
   */
  async #getFiles(keys: readonly FileKey[]): Promise<FileAccount[]> {
    const files: FileAccount[] = [];
    let wanted: Record<string, unknown>[] | undefined = [...keys];
    for (let tries = 0; wanted && wanted.length > 0; tries++) {
      if (tries > 0) await this.#table.backOff(tries);
      const before = files.length;
      const answer: BatchGetCommandOutput = await this.#table.client.send(
        new BatchGetCommand({ RequestItems: { [this.#table.name]: { Keys: wanted } } }),
      );
      for (const item of answer.Responses?.[this.#table.name] ?? []) files.push(withoutKeys(item));
      wanted = answer.UnprocessedKeys?.[this.#table.name]?.Keys;
      if (files.length > before) tries = 0;
      if (wanted && tries >= maxVainCalls) {
        throw new AwsFaultError(
          'UnprocessedKeys',
          `DynamoDB left out ${wanted.length} items in each of ${tries} calls.`,
        );
      }
    }
    return files;
  }
}

/** A type, since the SDK wants one with any names. */
type FileKey = Record<'pk' | 'sk', string>;

/** Calls in a row that gave nothing: with the pauses between them some five seconds. */
const maxVainCalls = 10;

/** DynamoDB: BatchGetItem takes at most 100 keys a call. */
const keysPerCall = 100;

const byAge = (a: FileAccount, b: FileAccount): number => a.createdAt - b.createdAt || (a.fileId < b.fileId ? -1 : 1);

const pkOf = (fileId: string) => `FILE#${fileId}`;

/** DynamoDB: a transaction has 100 items at most, of which one is the file's. More manifests than one at a time are rare. */
const maxFigures = 99;

/** Eight digits, so that the items stand in the manifests' order. */
const manifestSkOf = (number: number) => `MANIFEST#${String(number).padStart(8, '0')}`;

/** The parts of the index by feed: files that still have work, those with open dead letters, and the rest. */
const listPkOf = (which: FileList, feed: string) => `${which.toUpperCase()}#${feed}`;

const listSkOf = (file: { createdAt: number; fileId: string }) =>
  `${new Date(file.createdAt).toISOString()}#${file.fileId}`;
