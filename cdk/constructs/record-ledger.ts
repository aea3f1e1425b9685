import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { tableEncryption } from '../customer-key.ts';
import { removalPolicyOf } from '../removal-policy.ts';
import type { Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/**
 * The table of the records of feeds without an API, an item per record. It is not the ledger's table: nothing here
 * expires, and a writer may neither read, overwrite nor delete.
 */
export class RecordLedger extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, { settings }: { settings: Settings }) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'recordKey', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...tableEncryption(this, settings),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: settings.retainData },
      deletionProtection: settings.retainData,
      removalPolicy: removalPolicyOf(settings),
    });
  }

  /**
   * Lets a function put a feed's items. A condition of the put keeps items from being overwritten (adapters/ledger-sink.ts):
   * a policy can't require it, so `sluice records` compares the items with the receipts.
   */
  grantPut(grantee: SluiceFunction, feed: string): void {
    grantee.mayOnItems(['dynamodb:PutItem'], this.table.tableArn, [`${feed}#*`]);
  }
}
