import { Duration } from 'aws-cdk-lib';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { removalPolicyOf } from '../removal-policy.ts';
import type { Settings } from '../settings.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** The key that signs manifests: the stack's own, or an existing one. */
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
      // The shortest waiting period of KMS, for a stack that is deleted with its data.
      ...(retainData ? {} : { pendingWindow: Duration.days(7) }),
    }).keyArn;
  }

  grantSign(grantee: SluiceFunction): void {
    grantee.may(['kms:GetPublicKey', 'kms:Sign'], this.arn);
  }
}
