import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import {
  CfnEIP,
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  NatProvider,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { FeedSettings, Settings } from '../settings.ts';
import type { AccessLogs } from './access-logs.ts';

/** Where a function's network interfaces are. */
export interface Network {
  subnetIds: string[];
  securityGroupIds: string[];
}

/** Two zones: if one fails, consumers in the other continue. The API has to allow one address per zone. */
const zones = 2;

/** No other network is connected with it. Lambda needs few addresses: functions with the same subnets and groups share them. */
const cidr = '10.0.0.0/24';

/**
 * A network with fixed outgoing addresses. Calls of AWS don't use the internet: S3 and DynamoDB are reached through
 * gateway endpoints, which are free, and queues, secrets and events through interface endpoints.
 */
export class StaticEgress extends Construct {
  readonly network: Network;
  /** What the API allows. */
  readonly addresses: string[];

  constructor(scope: Construct, id: string, { settings, accessLogs }: { settings: Settings; accessLogs: AccessLogs }) {
    super(scope, id);
    const allocated = Array.from(
      { length: zones },
      (_, index) =>
        new CfnEIP(this, `Address${index + 1}`, {
          domain: 'vpc',
          tags: [{ key: 'Name', value: `${settings.stackName}-egress-${index + 1}` }],
        }),
    );
    this.addresses = allocated.map(({ attrPublicIp }) => attrPublicIp);
    const vpc = new Vpc(this, 'Vpc', {
      vpcName: `${settings.stackName}-egress`,
      ipAddresses: IpAddresses.cidr(cidr),
      maxAzs: zones,
      natGateways: zones,
      natGatewayProvider: NatProvider.gateway({
        eipAllocationIds: allocated.map(({ attrAllocationId }) => attrAllocationId),
      }),
      subnetConfiguration: [
        // For the NAT gateways only: nothing in these subnets needs a public address.
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
        { name: 'consumers', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 26 },
      ],
      // A custom resource does it. Nothing uses the default group.
      restrictDefaultSecurityGroup: false,
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
      flowLogs: { ToBucket: { destination: FlowLogDestination.toS3(accessLogs.bucket as IBucket, 'network/') } },
    });
    const consumers = new SecurityGroup(this, 'Consumers', {
      vpc: vpc as IVpc,
      description: `Consumers of ${settings.stackName}: to APIs, proxies and AWS.`,
      allowAllOutbound: false,
    });
    for (const port of portsOf(settings.feeds)) {
      consumers.addEgressRule(Peer.anyIpv4(), Port.tcp(port), 'APIs, proxies and AWS');
    }
    const { SQS, SECRETS_MANAGER, EVENTBRIDGE } = InterfaceVpcEndpointAwsService;
    const endpoints = new SecurityGroup(this, 'Endpoints', {
      vpc: vpc as IVpc,
      description: `Endpoints of AWS for the consumers of ${settings.stackName}.`,
      allowAllOutbound: false,
    });
    endpoints.addIngressRule(Peer.ipv4(cidr), Port.tcp(443), 'consumers');
    for (const [name, service] of Object.entries({ Sqs: SQS, Secrets: SECRETS_MANAGER, Events: EVENTBRIDGE })) {
      vpc.addInterfaceEndpoint(name, { service, securityGroups: [endpoints], open: false });
    }
    this.network = {
      subnetIds: vpc.privateSubnets.map(({ subnetId }) => subnetId),
      securityGroupIds: [consumers.securityGroupId],
    };
  }
}

/** AWS's, and those of the feeds' APIs and proxies. */
function portsOf(feeds: readonly FeedSettings[]): number[] {
  const urls = feeds.flatMap(({ api }) => [api.url, api.proxyUrl].flatMap((url) => url ?? []));
  const ports = urls.map((url) => {
    const { port, protocol } = new URL(url);
    return Number(port) || (protocol === 'https:' ? 443 : 80);
  });
  return [...new Set([443, ...ports])].sort((a, b) => a - b);
}
