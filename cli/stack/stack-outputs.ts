import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { limitCalendar } from '../../lambdas/core/limiter/limit-calendar.ts';
import type { DeployedLimit } from '../../lambdas/core/limiter/limit-policy.ts';
import { feedDeadline } from '../../lambdas/core/deadlines/feed-deadline.ts';
import type { ProjectedFeed } from '../../lambdas/deadlines/project-open-files.ts';
import { CliError } from '../cli-error.ts';

/** A feed's limits, as deployed with the stack. */
const apiOutput = z.object({
  /** The id of its limiter. Stacks of an earlier version do not have it. */
  id: z.string().optional(),
  /** Null for a feed whose sink is the record ledger. */
  url: z.string().nullable(),
  requests: z.number(),
  windowSeconds: z.number(),
  connections: z.number(),
  consumers: z.number(),
  deadline: feedDeadline.optional(),
  /** Whether the limit is kept. Stacks of an earlier version don't say so. */
  isPaced: z.boolean().optional(),
  calendar: limitCalendar.optional(),
});
export type ApiLimits = z.infer<typeof apiOutput>;

/** What the limiter keeps to. */
export function deployedLimit({ url, requests, windowSeconds, calendar, isPaced }: ApiLimits): DeployedLimit {
  return { requests, windowSeconds, calendar, isPaced: isPaced ?? url !== null };
}

export type LaneName = 'main' | 'express';

/** One of the queues that each lane has. */
export interface LaneQueue {
  lane: LaneName;
  url: string;
}

/** A feed's DLQs. */
export interface FeedDlqs {
  /** Failed records: what people call the DLQ. One per lane. */
  letters: LaneQueue[];
  /** Batches that killed their consumers. */
  records: LaneQueue[];
  /** Announcements of files that killed their splitter. */
  intake: LaneQueue[];
}

/** A DLQ and its source queue. */
export interface RedrivePath {
  dlqUrl: string;
  queueUrl: string;
}

/** A deployed stack's outputs (cdk/outputs.ts), with the command line's names. */
export class StackOutputs {
  readonly #values: Readonly<Record<string, string>>;
  readonly #stackName: string;

  constructor(stackName: string, values: Readonly<Record<string, string>>) {
    this.#stackName = stackName;
    this.#values = values;
  }

  hasValues(values: Readonly<Record<string, string>>): boolean {
    return isDeepStrictEqual(values, this.#values);
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

  /** The deployed ones of these feeds, with what a projection needs. */
  projectedFeeds(names: readonly string[]): ProjectedFeed[] {
    return names.flatMap((feed) => {
      const api = this.api(feed);
      if (api?.id === undefined) return [];
      const { id, url, deadline } = api;
      return [{ feed, api: id, deadline, limit: url === null ? undefined : deployedLimit(api) }];
    });
  }

  /** Undefined if the stack was deployed without one. */
  hasExpressLane(feed: string): boolean {
    return `${capitalised(feed)}ExpressIntakeQueueUrl` in this.#values;
  }

  lettersQueueUrls(feed: string): string[] {
    return this.#ofLanes(feed, 'LettersQueueUrl').map(({ url }) => url);
  }

  /** The queue for letters and corrections of a lane's files, by the lane's name on the file. */
  lettersQueueUrl(feed: string, lane: string): string {
    return this.#urlOfLane(feed, lane, 'LettersQueueUrl');
  }

  /** The queue for continuations of a lane's files, by the lane's name on the file. */
  intakeQueueUrl(feed: string, lane: string): string {
    return this.#urlOfLane(feed, lane, 'IntakeQueueUrl');
  }

  #urlOfLane(feed: string, lane: string, output: string): string {
    const found = this.#ofLanes(feed, output).find((queue) => queue.lane === lane);
    if (found) return found.url;
    throw new CliError(`The stack ${this.#stackName} has no lane ${lane} of the feed ${feed} any more.`);
  }

  /** The DLQs of one kind, each with the queue to which its messages are redriven. */
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

  /** The functions that read and send a feed's files, by lane; those that a stack of another version does not name are left out. */
  laneFunctions(feed: string): { lane: LaneName; part: 'splitter' | 'consumer'; functionName: string }[] {
    const parts = { splitter: 'SplitterName', consumer: 'ConsumerName' } as const;
    const lanes = { main: '', express: 'Express' } as const;
    return (['splitter', 'consumer'] as const).flatMap((part) =>
      (['main', 'express'] as const).flatMap((lane) => {
        const functionName = this.#values[`${capitalised(feed)}${lanes[lane]}${parts[part]}`];
        return functionName === undefined ? [] : [{ lane, part, functionName }];
      }),
    );
  }

  /** Output names begin with `Traffic` for the main lane, `TrafficExpress` for the express lane. */
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
