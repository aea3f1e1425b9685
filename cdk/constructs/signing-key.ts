import { Duration } from 'aws-cdk-lib';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { removalPolicyOf } from '../removal-policy.ts';
import type { Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** What manifests are signed with: the stack's own key, or one that was there before. */
export class SigningKey extends Construct {
  readonly arn: string;

  constructor(scope: Construct, id: string, { settings }: { settings: Settings }) {
    super(scope, id);
    this.arn = settings.signingKey === 'create' ? this.#create(settings) : settings.signingKey;
  }

  /** KMS doesn't rotate asymmetric keys: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html */
  #create({ stackName, retainData }: Settings): string {
    return new Key(this, 'Key', {
      description: `Signs the manifests of ${stackName}.`,
      keySpec: KeySpec.ECC_NIST_P256,
      keyUsage: KeyUsage.SIGN_VERIFY,
      removalPolicy: removalPolicyOf({ retainData }),
      // The shortest that KMS has, for a stack that goes with its data.
      ...(retainData ? {} : { pendingWindow: Duration.days(7) }),
    }).keyArn;
  }

  grantSign(grantee: SluiceFunction): void {
    grantee.may(['kms:GetPublicKey', 'kms:Sign'], this.arn);
  }
}
