import { resolve } from 'node:path';
import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Architecture, FunctionUrlAuthType, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

const root = resolve(import.meta.dirname, '../..');

/** The API of a smoke test in AWS: a function with a URL, and a table of the request ids it has seen. */
export class SmokeApiStack extends Stack {
  /** @param authorizationSha256 of the `Authorization` header that it asks for, hexadecimal: the token itself is in no template */
  constructor(scope: Construct, id: string, { authorizationSha256 }: { authorizationSha256: string }) {
    super(scope, id, { description: 'The API of a smoke test of Sluice; it goes with the test.' });
    const table = new Table(this, 'RequestIds', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logGroup = new LogGroup(this, 'ApiLog', {
      retention: RetentionDays.ONE_DAY,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const api = new NodejsFunction(this, 'Api', {
      entry: resolve(root, 'localstack/fake-avstar/on-lambda.ts'),
      projectRoot: root,
      depsLockFilePath: resolve(root, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      bundling: { bundleAwsSDK: true, externalModules: [], minify: true },
      timeout: Duration.seconds(10),
      memorySize: 256,
      logGroup,
      environment: { TABLE: table.tableName, AUTHORIZATION_SHA256: authorizationSha256 },
    });
    table.grantWriteData(api);
    // Anyone may call it: the token keeps others out, and it returns nothing of value.
    const { url } = api.addFunctionUrl({ authType: FunctionUrlAuthType.NONE });
    new CfnOutput(this, 'ApiUrl', { value: url });
  }
}
