import { figuresOf } from '../../lambdas/core/account/manifest.ts';
import type { FileAccount, FileState, SourceObject } from '../../lambdas/core/account/file-account.ts';
import type { FeedDeadline } from '../../lambdas/core/deadlines/feed-deadline.ts';
import type { NightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { nightEntry } from '../../lambdas/core/nights/night-entry.ts';
import { sha256Of } from '../../lambdas/core/records/identity.ts';
import type { WriteNightsPorts } from '../../lambdas/finalizer/write-nights.ts';
import { writeNights } from '../../lambdas/finalizer/write-nights.ts';
import type { Signer } from '../../lambdas/ports.ts';
import type { Evidence } from './evidence.ts';
import { limits } from './feed-fixture.ts';
import { inMemoryArchive } from './in-memory-archive.ts';
import { silentLog } from './in-memory-ports.ts';
import { localSigner } from './local-signer.ts';
import type { MemoryLedger } from './memory-ledger.ts';
import { openMemoryLedger } from './memory-ledger.ts';
import { manifestOf } from './report-facts.ts';

export const utcDeadline: FeedDeadline = { hour: 2, minute: 0, timeZone: 'UTC' };

/** A feed's files in a ledger in memory, and its night log in an archive in memory. Its clock is set by hand. */
export class NightWorld {
  now = Date.parse('2026-11-20T12:00:00Z');
  deadline: FeedDeadline | undefined = utcDeadline;
  readonly objects = new Map<string, Buffer>();
  readonly mails: { subject: string; text: string }[] = [];
  /** How often the next entry was asked for. */
  asked = 0;
  readonly ledger: MemoryLedger;
  readonly signer: Signer & { pem: string };
  readonly ports: WriteNightsPorts;

  constructor() {
    const clock = { now: () => this.now };
    this.ledger = openMemoryLedger(clock);
    this.signer = localSigner();
    this.ports = {
      ledger: this.ledger,
      archive: inMemoryArchive(this.objects),
      archiveBucket: 'archive',
      signer: this.signer,
      reported: () => ({ sink: 'http', deadline: this.deadline }),
      nights: {
        askForNight: async () => {
          this.asked++;
        },
      },
      desk: { notify: async (subject, text) => void this.mails.push({ subject, text }) },
      clock,
      log: silentLog,
      version: '1.2.3',
      stackName: 'station',
    };
  }

  at(time: string): this {
    this.now = Date.parse(time);
    return this;
  }

  /** @param skewMs of the clock of the function that claims it */
  async receive(fileId: string, skewMs = 0): Promise<void> {
    this.now += skewMs;
    const source: SourceObject = { bucket: 'intake', key: `traffic/${fileId}.csv`, etag: '"e"', sizeBytes: 10 };
    await this.ledger.claimFile(
      fileId,
      { fileId, feed: 'traffic', lane: 'traffic', source, limits },
      'splitter',
      60_000,
    );
    await this.ledger.finishSplit(fileId, 1, { records: 1_000, batches: 2 }, []);
    this.now -= skewMs;
  }

  /** Writes the file's next manifest and closes it with that. */
  async close(
    fileId: string,
    state: FileState & NightEntry['received'][number]['state'] = 'completed',
    dead = 12,
  ): Promise<void> {
    const file = (await this.ledger.getFile(fileId)) as FileAccount;
    const number = (file.manifest?.number ?? 0) + 1;
    const folder = `traffic/2026/11/20/${fileId}`;
    const key = `${folder}/manifest${number === 1 ? '' : `.${number}`}.json`;
    const manifest = manifestOf({
      ...{ manifest_number: number, file_id: fileId, state, dead_lettered_records: dead },
      archive: { ...manifestOf().archive, manifest_key: key },
      times: { ...manifestOf().times, completed: new Date(this.now).toISOString() },
    });
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    this.objects.set(key, Buffer.from(text));
    const figures = [figuresOf(manifest, sha256Of(text))];
    await this.ledger.closeFile(fileId, { state, manifest: { key, number }, figures, openLetters: dead });
  }

  /** Takes over a file with everything that other functions made of it, as it is now. */
  adopt({ world, objects }: Pick<Evidence, 'world' | 'objects'>): void {
    for (const item of world.ledger.store.items()) {
      const key = { pk: String(item['pk']), sk: String(item['sk']) };
      const night = this.ledger.store.peek(key)?.['night'];
      this.ledger.store.plant({ ...item, ...(night === undefined ? {} : { night }) }, key);
    }
    for (const [key, bytes] of objects) this.objects.set(key, bytes);
  }

  /** What a run of the finalizer does for one message. */
  async write(ports: WriteNightsPorts = this.ports): Promise<void> {
    await writeNights('traffic', ports);
  }

  /** As long as an entry is due, which the finalizer and the reconciler ask for. */
  async writeAll(): Promise<void> {
    for (let before = -1, closed = 0; before !== closed;) {
      before = closed;
      await this.write();
      closed = (await this.ledger.getNight('traffic'))?.number ?? 0;
    }
  }

  texts(): string[] {
    const texts: string[] = [];
    for (let number = 1; this.objects.has(`nights/traffic/${number}.json`); number++) {
      texts.push(String(this.objects.get(`nights/traffic/${number}.json`)));
    }
    return texts;
  }

  entries(): NightEntry[] {
    return this.texts().map((text) => nightEntry.parse(JSON.parse(text)));
  }
}

/** Which entry has each file as received; a file that several have is there several times. */
export function receivedIn(entries: readonly NightEntry[]): string[] {
  return entries.flatMap(({ number, received }) => received.map(({ file_id: id }) => `${id} in ${number}`));
}
