import { RemovalPolicy } from 'aws-cdk-lib';
import type { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { customerKey } from '../customer-key.ts';
import type { FeedSettings, Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** An API's bearer token. It has a random value, which the API refuses, until the real one is stored. */
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
      // The API's owner can issue another token, and the next stack can use the name.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // For a reference, CloudFormation returns the ARN, but MiniStack the name, which an IAM policy can't use.
    this.arn = (secret.node.defaultChild as CfnSecret).attrId;
  }

  grantRead(grantee: SluiceFunction): void {
    grantee.may(['secretsmanager:GetSecretValue'], this.arn);
  }
}
