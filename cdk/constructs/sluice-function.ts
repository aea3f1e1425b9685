import { join } from 'node:path';
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { Architecture, LoggingFormat, RecursiveLoop, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { BundlingOptions } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogLevel, NodejsFunction, OutputFormat, SourceMapMode } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { removalPolicyOf } from '../removal-policy.ts';
import { customerKey, keyStatements } from '../customer-key.ts';
import { bootstrapFlags } from '../lambda-runtime.ts';
import type { Settings } from '../settings.ts';
import type { Network } from './static-egress.ts';

export interface SluiceFunctionProps {
  settings: Settings;
  /** The repository's folder. */
  root: string;
  /** The folder under lambdas/. */
  folder: 'splitter' | 'consumer' | 'finalizer' | 'reconciler';
  functionName: string;
  description: string;
  timeoutSeconds: number;
  memoryMb: number;
  environment: Record<string, string>;
  /** How long its log is kept, if longer than the stage's logs. */
  logRetentionDays?: number | undefined;
  /** Files that are deployed with the code, by name. */
  files?: Record<string, string>;
  /** The network that it runs in; by default, Lambda's own. */
  network?: Network | undefined;
  /** It sends to queues that invoke it: Lambda's loop detection, which stops that after 16 rounds, is switched off. */
  queuesToItself: boolean;
}

const bundling: BundlingOptions = {
  format: OutputFormat.ESM,
  target: 'node24',
  mainFields: ['module', 'main'],
  // The SDK of the lockfile, not the one in Lambda's runtime, which changes and which local clouds lack.
  bundleAwsSDK: true,
  externalModules: [],
  // Without `keepNames`, which calls a function for each closure that is made: a fifth of the CPU time of sending. Errors that
  // are recognised by name state it themselves.
  minify: true,
  // Beside the code, for an investigation. Not enabled: Node would take 44 MiB and 150 ms for it at the first error.
  sourceMap: true,
  sourceMapMode: SourceMapMode.DEFAULT,
  sourcesContent: false,
  // esbuild warns of every bundle above 1 MB.
  logLevel: LogLevel.WARNING,
  // CommonJS packages inside an ES module call require().
  banner: "import{createRequire as sluiceRequire}from'node:module';const require=sluiceRequire(import.meta.url);",
};

/**
 * Writes files beside the bundle, with Node instead of a shell, which could misread names and contents. They are part of
 * the environment: otherwise the CDK would use the first of two bundles of one entry for both.
 */
function adding(files: Record<string, string>): Pick<BundlingOptions, 'commandHooks' | 'environment'> {
  if (Object.keys(files).length === 0) return {};
  const write = 'for(const f of Object.entries(JSON.parse(process.env.SLUICE_FILES)))fs.writeFileSync(...f)';
  const inFolder = `process.chdir(Buffer.from(process.argv[1],'base64').toString())`;
  return {
    environment: { SLUICE_FILES: JSON.stringify(files) },
    commandHooks: {
      beforeBundling: () => [],
      beforeInstall: () => [],
      afterBundling: (_inputDir, outputDir) => [
        `node -e "${inFolder};${write}" ${Buffer.from(outputDir).toString('base64')}`,
      ],
    },
  };
}

/** What all functions have in common. A role of its own, which may write its log and nothing else until it is granted. */
export class SluiceFunction extends NodejsFunction {
  readonly #sendActions: string[];
  readonly #kmsKeyArn: string | undefined;

  constructor(scope: Construct, id: string, props: SluiceFunctionProps) {
    const { settings, root, logRetentionDays: longerDays = 0 } = props;
    const encryptionKey = customerKey(scope, settings);
    const logGroup = new LogGroup(scope, `${id}Log`, {
      ...(encryptionKey ? { encryptionKey } : {}),
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- a number that CloudWatch Logs knows, checked as a setting
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
    if (longerDays > settings.logRetentionDays) {
      (logGroup.node.defaultChild as CfnLogGroup).retentionInDays = longerDays;
    }
    // Without AWSLambdaBasicExecutionRole, which may write to every log group of the account.
    const role = new Role(scope, `${id}Role`, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Permissions of ${props.functionName}.`,
    });
    logGroup.grantWrite(role);
    super(scope, id, {
      functionName: props.functionName,
      description: props.description,
      entry: join(root, 'lambdas', props.folder, 'index.ts'),
      handler: 'handler',
      projectRoot: root,
      depsLockFilePath: join(root, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      bundling: { ...bundling, ...adding(props.files ?? {}) },
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMb,
      recursiveLoop: props.queuesToItself ? RecursiveLoop.ALLOW : RecursiveLoop.TERMINATE,
      environment: {
        ...(settings.localCloud ? { NODE_OPTIONS: bootstrapFlags(props.memoryMb).join(' ') } : {}),
        STACK_NAME: settings.stackName,
        POWERTOOLS_SERVICE_NAME: `sluice-${props.folder}`,
        SLUICE_VERSION: settings.version,
        ...props.environment,
      },
    });
    if (props.network) this.#placeIn(props.network, props.functionName, role);
    // On AWS, the action covers batch calls too. MiniStack, when it evaluates IAM, requires an action with the call's name.
    this.#kmsKeyArn = settings.kmsKeyArn;
    this.#sendActions = ['sqs:SendMessage', ...(settings.localCloud ? ['sqs:SendMessageBatch'] : [])];
  }

  /**
   * Lambda makes the network interfaces under the function's role: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
   * The function's own code may not; the same page has that statement.
   */
  #placeIn({ subnetIds, securityGroupIds }: Network, functionName: string, role: Role): void {
    (this.node.defaultChild as CfnFunction).vpcConfig = { subnetIds, securityGroupIds };
    const actions = [
      ...['CreateNetworkInterface', 'DescribeNetworkInterfaces', 'DescribeSubnets', 'DeleteNetworkInterface'],
      ...['AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses'],
    ].map((action) => `ec2:${action}`);
    const arn = Stack.of(this).formatArn({
      ...{ service: 'lambda', resource: 'function', resourceName: functionName },
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    role.addToPolicy(new PolicyStatement({ actions, resources: ['*'] }));
    role.addToPolicy(
      new PolicyStatement({
        ...{ effect: Effect.DENY, actions, resources: ['*'] },
        conditions: { ArnEquals: { 'lambda:SourceFunctionArn': arn } },
      }),
    );
  }

  /** Allows these actions on these resources, and the use of the customer's key for them, if there is one. */
  may(actions: string[], ...resources: string[]): void {
    this.addToRolePolicy(new PolicyStatement({ actions, resources }));
    this.mayUseKeyFor(actions);
  }

  /**
   * Allows these actions on items of a table or an index whose partition keys match these. A call that names no key is
   * refused: `ForAllValues` alone would allow it.
   */
  mayOnItems(actions: string[], resource: string, keys: readonly string[]): void {
    const conditions = {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    };
    this.addToRolePolicy(new PolicyStatement({ actions, resources: [resource], conditions }));
    this.mayUseKeyFor(actions);
  }

  /** Lets it use the customer's key for these calls; does nothing without such a key. */
  mayUseKeyFor(actions: string[]): void {
    if (this.#kmsKeyArn === undefined) return;
    for (const statement of keyStatements(this.#kmsKeyArn, actions)) this.addToRolePolicy(statement);
  }

  maySendTo(...queues: Queue[]): void {
    this.may(this.#sendActions, ...queues.map((queue) => queue.queueArn));
  }

  /** Lets it change the visibility of messages that it was given. The mapping needs the same action. */
  mayPostpone(queue: Queue): void {
    const isLocal = this.#sendActions.includes('sqs:SendMessageBatch');
    if (isLocal) this.may(['sqs:ChangeMessageVisibilityBatch'], queue.queueArn);
  }

  /** Lets it receive messages of these queues and make them visible again, but not delete them. */
  mayLookInto(...queues: Queue[]): void {
    const isLocal = this.#sendActions.includes('sqs:SendMessageBatch');
    this.may(
      [
        'sqs:GetQueueAttributes',
        'sqs:ReceiveMessage',
        'sqs:ChangeMessageVisibility',
        'sqs:ListMessageMoveTasks',
        ...(isLocal ? ['sqs:ChangeMessageVisibilityBatch'] : []),
      ],
      ...queues.map((queue) => queue.queueArn),
    );
  }

  /** Lets it put events on the account's default bus. */
  mayPublish(): void {
    const bus = Stack.of(this).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' });
    this.may(['events:PutEvents'], bus);
  }
}
