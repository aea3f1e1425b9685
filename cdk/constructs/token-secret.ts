import { RemovalPolicy } from 'aws-cdk-lib';
import type { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { customerKey } from '../customer-key.ts';
import type { FeedSettings, Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** An API's Bearer token. Born with a made-up value, which the API refuses; the true one is put after the deploy. */
export class TokenSecret extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { settings, feed }: { settings: Settings; feed: FeedSettings }) {
    super(scope, id);
    const key = customerKey(this, settings);
    const secret = new Secret(this, 'Secret', {
      secretName: `${settings.stackName}/${feed.name}/token`,
      description: `Bearer token of the API of the feed '${feed.name}'.`,
      ...(key ? { encryptionKey: key } : {}),
      generateSecretString: { passwordLength: 32, excludePunctuation: true },
      // Nothing is lost with it that the API's owner can't give again, and its name is free for the next stack.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // CloudFormation gives the ARN for a reference too, MiniStack the name, which an IAM policy can't use.
    this.arn = (secret.node.defaultChild as CfnSecret).attrId;
  }

  grantRead(grantee: SluiceFunction): void {
    grantee.may(['secretsmanager:GetSecretValue'], this.arn);
  }
}
