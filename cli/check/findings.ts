import type { FileAccount } from '../../lambdas/core/account/file-account.ts';
import type { PreparedRecord } from '../../lambdas/core/records/prepare-record.ts';
import { wrongFile } from '../../lambdas/core/account/quarantine.ts';
import type { CheckRequest } from './check-request.ts';
import { RejectGroups } from './group-rejects.ts';
import type { CheckedFile } from './open-checked-file.ts';
import { RepeatedIds } from './repeated-ids.ts';
import { RejectsWriter } from './write-rejects.ts';

/** Different warnings about records that are counted separately. */
const maxRecordWarnings = 50;

/** What is found in a file's records, in memory that does not grow with their number. */
export class Findings {
  good = 0;
  rejected = 0;
  /** Rows behind another header, which are never sent. */
  held = 0;
  readonly rejects = new RejectGroups();
  readonly ids: RepeatedIds;
  /** Why the file would be stopped, had the API taken every valid record. */
  quarantine: { code: string; message: string } | undefined;
  readonly #warnings = new Map<string, number>();
  readonly #request: CheckRequest;
  readonly #name: string;
  #writer: RejectsWriter | undefined;

  constructor(request: CheckRequest, { name, tempDir }: Pick<CheckedFile, 'name' | 'tempDir'>) {
    this.#request = request;
    this.#name = name;
    this.ids = new RepeatedIds(tempDir);
  }

  /** Takes a batch's records. @param file gets the counts, as the ledger does when a batch is settled */
  async add(records: readonly PreparedRecord[], file: FileAccount): Promise<void> {
    const rejects: PreparedRecord[] = [];
    for (const record of records) {
      for (const warning of record.warnings ?? []) this.#countWarning(warning);
      if (record.result.kind === 'good') {
        this.ids.add(record.result.requestId, record.record, record.line);
      } else {
        rejects.push(record);
        this.rejects.add(record.result.problem, record.record, record.line);
      }
    }
    this.rejected += rejects.length;
    this.good += records.length - rejects.length;
    file.settled.rejected += rejects.length;
    file.settled.uploaded += records.length - rejects.length;
    const { feed, startsAtMs } = this.#request;
    const wrong = wrongFile(file, feed.toleratedRejects, startsAtMs);
    if (wrong) this.quarantine ??= { code: wrong.code ?? 'too_many_rejects', message: wrong.message };
    await this.#write(rejects, file);
  }

  /** The most frequent first. */
  get recordWarnings(): { message: string; count: number }[] {
    return [...this.#warnings].map(([message, count]) => ({ message, count })).sort((a, b) => b.count - a.count);
  }

  async close(): Promise<void> {
    this.ids.close();
    await this.#writer?.end();
  }

  #countWarning(message: string): void {
    const count = this.#warnings.get(message);
    if (count !== undefined || this.#warnings.size < maxRecordWarnings) this.#warnings.set(message, (count ?? 0) + 1);
  }

  async #write(rejects: readonly PreparedRecord[], file: FileAccount): Promise<void> {
    const { openRejects, feed, startsAtMs } = this.#request;
    if (!openRejects) return;
    this.#writer ??= new RejectsWriter(await openRejects(), { file, name: this.#name }, feed.columns, startsAtMs);
    if (rejects.length > 0) await this.#writer.write(rejects);
  }
}
