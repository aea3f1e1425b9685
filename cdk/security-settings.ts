import type { Environment } from './feed-environment.ts';
import type { StageNumbers } from './stages/stage-numbers.ts';
import { keyArn, lockMode, signingKey } from './stages/stage-numbers.ts';

type SecuritySettings = Pick<StageNumbers, 'kmsKeyArn' | 'archiveLock' | 'signingKey'>;

/** What the environment says of keys and locks, in place of the stage. */
export function readSecuritySettings(
  numbers: SecuritySettings,
  environment: Environment,
): { settings: SecuritySettings; faults: string[] } {
  const settings = {
    kmsKeyArn: numbers.kmsKeyArn,
    archiveLock: numbers.archiveLock,
    signingKey: numbers.signingKey,
  };
  const faults: string[] = [];
  const key = environment['SLUICE_KMS_KEY_ARN']?.trim() ?? '';
  if (key !== '') {
    if (keyArn.safeParse(key).success) settings.kmsKeyArn = key;
    else {
      faults.push(
        `SLUICE_KMS_KEY_ARN is '${key}'; it must be a key's ARN, arn:aws:kms:REGION:ACCOUNT:key/ID: an alias cannot be used in a policy.`,
      );
    }
  }
  const lock = environment['SLUICE_ARCHIVE_LOCK']?.trim() ?? '';
  if (lock !== '') {
    const read = lockMode.safeParse(lock);
    if (read.success) settings.archiveLock = read.data;
    else faults.push(`SLUICE_ARCHIVE_LOCK is '${lock}'; it must be governance or compliance.`);
  }
  const signing = environment['SLUICE_SIGNING_KEY']?.trim() ?? '';
  if (signing !== '') {
    const read = signingKey.safeParse(signing);
    if (read.success) settings.signingKey = read.data;
    else faults.push(`SLUICE_SIGNING_KEY is '${signing}'; it must be create, none, or the ARN of an asymmetric key.`);
  }
  return { settings, faults };
}
