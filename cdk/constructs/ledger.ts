import { Duration } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { removalPolicyOf } from '../removal-policy.ts';
import { tableEncryption } from '../customer-key.ts';
import type { Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

const indexName = 'byFeed';

/** Partition keys as lambdas/core/ledger/ledger-keys.ts has them, for policies. */
export const ledgerKeys = {
  /** A file's item, its batches and its dead records. */
  files: (feed: string) => `FILE#${feed}.*`,
  checksums: (feed: string) => `SHA#${feed}#*`,
  series: (feed: string) => `SERIES#${feed}.*`,
  limiter: (apiId: string) => `LIMITER#${apiId}`,
  desk: (feed: string) => `DESK#${feed}`,
  reconciler: (feed: string) => `RECONCILER#${feed}`,
  altered: (feed: string) => `ALTERED#${feed}`,
  /** Which control files have come for which files, and which came too late. */
  controls: (feed: string) => `CONTROL#${feed}#*`,
};

/** The account of files, batches and dead records, and each API's limiter: one table. */
export class Ledger extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { settings }: { settings: Settings }) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...tableEncryption(this, settings),
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: settings.retainData },
      deletionProtection: settings.retainData,
      removalPolicy: removalPolicyOf(settings),
    });
    // A sparse index: only files have these attributes.
    this.table.addGlobalSecondaryIndex({
      indexName,
      partitionKey: { name: 'listPk', type: AttributeType.STRING },
      sortKey: { name: 'listSk', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /** Calls that DynamoDB has throttled. */
  throttles(of: 'Read' | 'Write'): Metric {
    return this.table.metric(`${of}ThrottleEvents`, { statistic: 'Sum', period: Duration.minutes(5) });
  }

  /** Lets a function make these calls on items whose partition keys match one of these: `*` stands for any end. */
  grant(grantee: SluiceFunction, keys: readonly string[], ...actions: string[]): void {
    grantee.mayOnItems(
      actions.map((action) => `dynamodb:${action}`),
      this.table.tableArn,
      keys,
    );
  }

  /** Lets a function list the files of these feeds, by the index, and read them. */
  grantList(grantee: SluiceFunction, feeds: readonly string[]): void {
    const lists = feeds.flatMap((feed) => ['OPEN', 'CLOSED', 'DEAD'].map((list) => `${list}#${feed}`));
    grantee.mayOnItems(['dynamodb:Query'], `${this.table.tableArn}/index/${indexName}`, lists);
    this.grant(grantee, feeds.map(ledgerKeys.files), 'BatchGetItem');
  }
}
