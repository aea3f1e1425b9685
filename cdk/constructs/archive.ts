import { Duration } from 'aws-cdk-lib';
import { Effect, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket, ObjectLockRetention } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { AccessLogs } from './access-logs.ts';
import { abortUploads, bucketDefaults, encryptedBy } from './bucket-defaults.ts';
import type { SluiceFunction } from './sluice-function.ts';

/** The evidence: source, receipts and manifests, each written once. */
export class Archive extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id);
    // A bucket has one default retention: that of the feed with the longest.
    const days = Math.max(...settings.feeds.map((feed) => feed.archiveRetentionDays));
    const retention = Duration.days(days);
    const lock =
      settings.archiveLock === 'compliance'
        ? ObjectLockRetention.compliance(retention)
        : ObjectLockRetention.governance(retention);
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(settings),
      ...encryptedBy(this, settings),
      ...accessLogs.of('archive'),
      versioned: true,
      lifecycleRules: [abortUploads],
      ...(settings.retainData ? { objectLockEnabled: true, objectLockDefaultRetention: lock } : {}),
    });
    this.#refuseOverwrites(settings.retainData);
  }

  /** Lets a function read a feed's evidence. */
  grantRead(grantee: SluiceFunction, feed: string): void {
    grantee.may(['s3:GetObject'], ...this.#foldersOf(feed));
    // Without it, S3 answers 403 instead of 404 if an object does not exist.
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }

  /** Lets a function read a feed's evidence, and add the lists of what a revision changes. */
  grantCompare(grantee: SluiceFunction, feed: string): void {
    this.grantRead(grantee, feed);
    const lists = [feed, `quarantine/${feed}`].map((folder) => this.bucket.arnForObjects(`${folder}/*/changes*.csv`));
    grantee.may(['s3:PutObject', 's3:AbortMultipartUpload'], ...lists);
  }

  /** Lets a function add lists of what a file and its control file do not have in common, and look whether they are there. */
  grantAddDifferences(grantee: SluiceFunction, feed: string): void {
    const lists = this.bucket.arnForObjects(`quarantine/${feed}/*/control-differences.*.csv`);
    grantee.may(['s3:GetObject', 's3:PutObject'], lists);
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }

  /** Lets a function read a feed's dead letters, and add lists of them. */
  grantList(grantee: SluiceFunction, feed: string): void {
    const lists = this.bucket.arnForObjects(`reconciliation/${feed}/*`);
    grantee.may(['s3:GetObject'], ...this.#foldersOf(feed), lists);
    grantee.may(['s3:PutObject', 's3:AbortMultipartUpload'], lists);
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }

  /** Lets a function add to a feed's folders and its night log, and look at what is there. It may neither delete nor change a retention. */
  grantAdd(grantee: SluiceFunction, feed: string): void {
    const actions = ['s3:GetObject', 's3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload'];
    const nights = this.bucket.arnForObjects(`nights/${feed}/*`);
    // A copied source keeps its tags.
    grantee.may(actions, ...this.#foldersOf(feed), nights);
    // Without it, S3 answers 403 instead of 404 if an object does not exist yet.
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }

  /** See lambdas/core/account/archive-keys.ts. */
  #foldersOf(feed: string): string[] {
    return [feed, `quarantine/${feed}`].map((folder) => this.bucket.arnForObjects(`${folder}/*`));
  }

  /**
   * Nothing in the archive may be overwritten, whatever other policies allow, nor deleted in a stage that retains its
   * data. An administrator would have to change this policy first, which CloudTrail records.
   */
  #refuseOverwrites(neverDeleted: boolean): void {
    const deny = (sid: string, actions: string[], conditions?: Record<string, unknown>): void => {
      const statement = { sid, effect: Effect.DENY, principals: [new StarPrincipal()], actions };
      this.bucket.addToResourcePolicy(
        new PolicyStatement({
          ...statement,
          resources: [this.bucket.arnForObjects('*')],
          ...(conditions ? { conditions } : {}),
        }),
      );
    };
    // Uploading a part creates no object and has no such header; completing the upload does and has:
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    deny('WriteOnce', ['s3:PutObject'], {
      Null: { 's3:if-none-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    });
    if (neverDeleted) deny('NeverDeleted', ['s3:DeleteObject', 's3:DeleteObjectVersion']);
  }
}
