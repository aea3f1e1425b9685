import { z } from 'zod';
import { feedDeadline } from '../../lambdas/core/deadlines/feed-deadline.ts';
import type { ProjectedFeed } from '../../lambdas/deadlines/project-open-files.ts';
import { CliError } from '../cli-error.ts';

/** What a feed's sink allows, as the stack was deployed with it. */
const apiOutput = z.object({
  /** What its limiter is known by. Stacks of an earlier version don't tell. */
  id: z.string().optional(),
  /** Null for a feed that goes into the record ledger. */
  url: z.string().nullable(),
  requests: z.number(),
  windowSeconds: z.number(),
  connections: z.number(),
  consumers: z.number(),
  deadline: feedDeadline.optional(),
});
export type ApiLimits = z.infer<typeof apiOutput>;

export type LaneName = 'main' | 'express';

/** One of the queues that each lane has. */
export interface LaneQueue {
  lane: LaneName;
  url: string;
}

/** The queues of a feed that failed messages end in. */
export interface FeedDlqs {
  /** Failed records: the DLQ that people mean. One a lane. */
  letters: LaneQueue[];
  /** Batches that killed their consumers. */
  records: LaneQueue[];
  /** Announcements of files that killed their splitter. */
  intake: LaneQueue[];
}

/** A DLQ, and the queue that its messages came from. */
export interface RedrivePath {
  dlqUrl: string;
  queueUrl: string;
}

/** A deployed stack's outputs (cdk/outputs.ts), by the command line's words. */
export class StackOutputs {
  readonly #values: Readonly<Record<string, string>>;
  readonly #stackName: string;

  constructor(stackName: string, values: Readonly<Record<string, string>>) {
    this.#stackName = stackName;
    this.#values = values;
  }

  get intakeBucket(): string {
    return this.#get('IntakeBucketName');
  }

  get archiveBucket(): string {
    return this.#get('ArchiveBucketName');
  }

  get workBucket(): string {
    return this.#get('WorkBucketName');
  }

  get ledgerTable(): string {
    return this.#get('LedgerTableName');
  }

  finalizeQueueUrl(feed: string): string {
    return this.#get(`${capitalised(feed)}FinalizeQueueUrl`);
  }

  get recordLedgerTable(): string {
    return this.#get('RecordLedgerTableName');
  }

  finalizeDlqUrl(feed: string): string {
    return this.#get(`${capitalised(feed)}FinalizeDlqUrl`);
  }

  tokenSecretArn(feed: string): string {
    return this.#get(`${capitalised(feed)}TokenSecretArn`);
  }

  /** Undefined for a feed that was not deployed. */
  api(feed: string): ApiLimits | undefined {
    const text = this.#values[`${capitalised(feed)}Api`];
    return text === undefined ? undefined : apiOutput.parse(JSON.parse(text));
  }

  /** Of these feeds those that are deployed, as far as it takes to tell when their files will be done. */
  projectedFeeds(names: readonly string[]): ProjectedFeed[] {
    return names.flatMap((feed) => {
      const { id, url, requests, windowSeconds, deadline } = this.api(feed) ?? {};
      if (id === undefined || requests === undefined || windowSeconds === undefined) return [];
      return [{ feed, api: id, deadline, limit: url === null ? undefined : { requests, windowSeconds } }];
    });
  }

  /** A stack may have been deployed without. */
  hasExpressLane(feed: string): boolean {
    return `${capitalised(feed)}ExpressIntakeQueueUrl` in this.#values;
  }

  lettersQueueUrls(feed: string): string[] {
    return this.#ofLanes(feed, 'LettersQueueUrl').map(({ url }) => url);
  }

  /** Where the letters and corrections of a lane's files go. A file knows its lane by name. */
  lettersQueueUrl(feed: string, lane: string): string {
    const found = this.#ofLanes(feed, 'LettersQueueUrl').find((queue) => queue.lane === lane);
    if (found) return found.url;
    throw new CliError(`The stack ${this.#stackName} has no lane ${lane} of the feed ${feed} any more.`);
  }

  /** The DLQs of one kind, each with the queue that its messages go back to. */
  redrivePaths(feed: string, queue: 'letters' | 'records' | 'intake' | 'finalize'): RedrivePath[] {
    if (queue === 'finalize') {
      return [{ dlqUrl: this.finalizeDlqUrl(feed), queueUrl: this.finalizeQueueUrl(feed) }];
    }
    const names = {
      letters: ['DlqUrl', 'LettersQueueUrl'],
      records: ['RecordsDlqUrl', 'RecordsQueueUrl'],
      intake: ['IntakeDlqUrl', 'IntakeQueueUrl'],
    } as const;
    const [dlq, source] = names[queue];
    const sources = this.#ofLanes(feed, source);
    return this.#ofLanes(feed, dlq).map(({ url }, index) => ({ dlqUrl: url, queueUrl: sources[index]?.url ?? '' }));
  }

  dlqs(feed: string): FeedDlqs {
    return {
      letters: this.#ofLanes(feed, 'DlqUrl'),
      records: this.#ofLanes(feed, 'RecordsDlqUrl'),
      intake: this.#ofLanes(feed, 'IntakeDlqUrl'),
    };
  }

  /** The main lane's is `Traffic…`, an express lane's `TrafficExpress…`. */
  #ofLanes(feed: string, name: string): LaneQueue[] {
    const main: LaneQueue = { lane: 'main', url: this.#get(`${capitalised(feed)}${name}`) };
    const express = this.#values[`${capitalised(feed)}Express${name}`];
    return express === undefined ? [main] : [main, { lane: 'express', url: express }];
  }

  #get(name: string): string {
    const value = this.#values[name];
    if (value === undefined) {
      throw new CliError(
        `The stack ${this.#stackName} has no output ${name}: it isn't a Sluice stack, or one of another version; deploy it again.`,
      );
    }
    return value;
  }
}

function capitalised(name: string): string {
  return name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
