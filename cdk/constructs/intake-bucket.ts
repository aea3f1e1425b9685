import { Aws, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { CfnQueuePolicy, Queue } from 'aws-cdk-lib/aws-sqs';
import { QueuePolicy } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { AccessLogs } from './access-logs.ts';
import { abortUploads, bucketDefaults, encryptedBy } from './bucket-defaults.ts';
import type { SluiceFunction } from './sluice-function.ts';

/**
 * Where files are dropped. Its notifications are in the template rather than in CDK's custom resource, which local
 * clouds skip; so its name must be known beforehand, for the queues' policies to name it without a cycle.
 */
export class IntakeBucket extends Construct {
  readonly bucket: Bucket;
  readonly #resource: CfnBucket;
  readonly #arn: string;
  readonly #notifications: CfnBucket.QueueConfigurationProperty[] = [];

  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id);
    const bucketName = `${settings.stackName}-intake-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.#arn = Stack.of(this).formatArn({ service: 's3', region: '', account: '', resource: bucketName });
    this.bucket = new Bucket(this, 'Bucket', {
      ...bucketDefaults(settings),
      ...encryptedBy(this, settings),
      ...accessLogs.of('intake'),
      bucketName,
      // A file that is replaced while it is split is read to its end, from the version that was first seen.
      versioned: true,
      lifecycleRules: [
        abortUploads,
        {
          id: 'expire-replaced-versions',
          noncurrentVersionExpiration: Duration.days(settings.intakeVersionDays),
          expiredObjectDeleteMarker: true,
        },
      ],
    });
    this.#resource = this.bucket.node.defaultChild as CfnBucket;
    this.#resource.notificationConfiguration = {
      queueConfigurations: Lazy.any({ produce: () => this.#notifications }),
    };
  }

  /** Every object created under the prefix is announced to the queue. */
  announce(keyPrefix: string, queue: Queue): void {
    queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AnnouncementsOfTheIntakeBucket',
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [queue.queueArn],
        conditions: {
          ArnEquals: { 'aws:SourceArn': this.#arn },
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
        },
      }),
    );
    this.#notifications.push({
      event: 's3:ObjectCreated:*',
      filter: { s3Key: { rules: [{ name: 'prefix', value: keyPrefix }] } },
      queue: queue.queueArn,
    });
    // S3 sends a test message when the notification is set, and refuses a queue that does not accept it.
    const policy = queue.node.findAll().find((child) => child instanceof QueuePolicy);
    this.#resource.addResourceDependency(policy?.node.defaultChild as CfnQueuePolicy);
  }

  /** Lets a function read what was dropped under the prefix. */
  grantRead(grantee: SluiceFunction, keyPrefix: string): void {
    grantee.may(['s3:GetObject', 's3:GetObjectVersion'], this.bucket.arnForObjects(`${keyPrefix}*`));
    // Without it, S3 answers 403 if an object is gone; the function expects 404.
    grantee.may(['s3:ListBucket'], this.bucket.bucketArn);
  }

  /** Lets a function list what was dropped under the prefixes, with all versions, and read nothing of it. */
  grantListVersions(grantee: SluiceFunction, keyPrefixes: readonly string[]): void {
    grantee.addToRolePolicy(
      new PolicyStatement({
        actions: ['s3:ListBucketVersions'],
        resources: [this.bucket.bucketArn],
        conditions: { StringEquals: { 's3:prefix': keyPrefixes } },
      }),
    );
  }

  /**
   * Lets a function list what was dropped outside of all lanes, and read nothing of it: names directly below a place, and
   * everything below a folder in which no lane lies.
   */
  grantListStrays(grantee: SluiceFunction, lanePrefixes: readonly string[]): void {
    const lanes = lanePrefixes.map((prefix) => `${prefix}*`);
    const parents = lanePrefixes.flatMap((prefix) => {
      const parts = prefix.split('/').slice(0, -2);
      return parts.map((_, depth) => `${parts.slice(0, depth + 1).join('/')}/`);
    });
    const statements = [
      { StringEquals: { 's3:delimiter': '/' }, StringNotLike: { 's3:prefix': lanes } },
      { StringLike: { 's3:prefix': '*/' }, StringNotLike: { 's3:prefix': [...new Set([...lanes, ...parents])] } },
    ];
    for (const conditions of statements) {
      grantee.addToRolePolicy(
        new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn], conditions }),
      );
    }
  }

  /** Lets a function copy what was dropped, with the tags that a copy brings along. */
  grantCopy(grantee: SluiceFunction, keyPrefix: string): void {
    this.grantRead(grantee, keyPrefix);
    grantee.may(['s3:GetObjectTagging', 's3:GetObjectVersionTagging'], this.bucket.arnForObjects(`${keyPrefix}*`));
  }
}
