import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { PolicyStatement, ServicePrincipal, StarPrincipal, Effect } from 'aws-cdk-lib/aws-iam';
import { Aws } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { customerKey } from '../customer-key.ts';
import type { Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** The topic of the people who look after the feeds: alarms, finalizers and reconcilers publish to it. */
export class Desk extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { settings }: { settings: Settings }) {
    super(scope, id);
    const masterKey = customerKey(this, settings);
    this.topic = new Topic(this, 'Topic', {
      ...(masterKey ? { masterKey } : {}),
      topicName: `${settings.stackName}-desk`,
      displayName: `Sluice ${settings.stackName}`,
    });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'TlsOnly',
        effect: Effect.DENY,
        principals: [new StarPrincipal()],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    );
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    if (settings.deskEmail !== undefined) this.topic.addSubscription(new EmailSubscription(settings.deskEmail));
  }

  grantTell(grantee: SluiceFunction): void {
    grantee.may(['sns:Publish'], this.topic.topicArn);
  }
}
