import { describe, expect, it } from 'vitest';
import { resourcesOf } from '../../cdk/stack-size.ts';
import { createStack, ofType, synthesise, targetOf } from './synthesise.ts';

const feeds = { SLUICE_FEEDS: 'traffic,maintenance' };
const consumers = /-consumer$/;

function vpcConfigs(resources: Parameters<typeof ofType>[0]): Map<unknown, unknown> {
  const functions = ofType(resources, 'AWS::Lambda::Function');
  return new Map(functions.map(([, { FunctionName, VpcConfig }]) => [FunctionName, VpcConfig]));
}

describe('static egress', () => {
  const { resources, outputs, complaints } = synthesise('prod', {
    ...feeds,
    SLUICE_EGRESS: 'static',
    SLUICE_TRAFFIC_API_URL: 'https://avstar.example:8443/v1',
    SLUICE_TRAFFIC_PROXY_URL: 'http://proxy.example:3128',
  });

  it('has a way out in each of two zones, whose addresses are an output', () => {
    expect(complaints).toEqual([]);
    const gateways = ofType(resources, 'AWS::EC2::NatGateway');
    const addresses = ofType(resources, 'AWS::EC2::EIP').map(([id]) => id);
    expect(addresses).toHaveLength(2);
    expect(gateways.map(([, { AllocationId }]) => targetOf(AllocationId)).sort()).toEqual(addresses.sort());
    expect(outputs['EgressAddresses']).toEqual({
      'Fn::Join': [
        '',
        [{ 'Fn::GetAtt': [addresses[0], 'PublicIp'] }, ',', { 'Fn::GetAtt': [addresses[1], 'PublicIp'] }],
      ],
    });
    const zones = ofType(resources, 'AWS::EC2::Subnet').map(([, { AvailabilityZone }]) =>
      JSON.stringify(AvailabilityZone),
    );
    expect(new Set(zones).size).toBe(2);
  });

  it('is used by consumers that send to an API, and by nothing else', () => {
    const placed = [...vpcConfigs(resources)].filter(([, config]) => config !== undefined);
    expect(placed.map(([name]) => name).sort()).toEqual([
      'sluice-prod-traffic-consumer',
      'sluice-prod-traffic-express-consumer',
    ]);
    for (const [, config] of placed) {
      const { SubnetIds, SecurityGroupIds } = config as Record<string, unknown[]>;
      const routes = ofType(resources, 'AWS::EC2::Route').filter(([, { NatGatewayId }]) => NatGatewayId !== undefined);
      expect(SubnetIds).toHaveLength(2);
      expect(routes).toHaveLength(2);
      expect(SecurityGroupIds?.map(targetOf)).toEqual([expect.stringMatching(/^EgressConsumers/)]);
    }
  });

  it('allows them to reach AWS, the API and the proxy by their ports, and nothing to reach them', () => {
    const groups = ofType(resources, 'AWS::EC2::SecurityGroup');
    const [, group] = groups.find(([id]) => id.startsWith('EgressConsumers')) ?? [];
    const egress = group?.['SecurityGroupEgress'] as { FromPort: number; ToPort: number }[];
    expect(egress.map(({ FromPort, ToPort }) => [FromPort, ToPort])).toEqual(
      [443, 3128, 8443].map((port) => [port, port]),
    );
    expect(group).not.toHaveProperty('SecurityGroupIngress');
    expect(ofType(resources, 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });

  it('keeps the consumers’ calls to AWS off the internet', () => {
    const endpoints = ofType(resources, 'AWS::EC2::VPCEndpoint').map(([, { VpcEndpointType, ServiceName }]) => [
      VpcEndpointType,
      /\.(\w+)"\]/.exec(JSON.stringify(ServiceName))?.[1],
    ]);
    expect(endpoints.sort()).toEqual([
      ['Gateway', 'dynamodb'],
      ['Gateway', 's3'],
      ['Interface', 'events'],
      ['Interface', 'secretsmanager'],
      ['Interface', 'sqs'],
    ]);
  });

  it('allows Lambda to create network interfaces under a consumer’s role, but not the consumer’s code', () => {
    const policies = ofType(resources, 'AWS::IAM::Policy').filter(([, policy]) =>
      JSON.stringify(policy).includes('ec2:'),
    );
    expect(policies.map(([id]) => id.slice(0, 21)).sort()).toEqual(['trafficexpressConsume', 'trafficmainConsumerRo']);
    for (const [, { PolicyDocument }] of policies) {
      const { Statement } = PolicyDocument as { Statement: { Effect: string; Action: unknown; Condition?: unknown }[] };
      const [allow, deny] = Statement.filter(({ Action }) => JSON.stringify(Action).includes('ec2:'));
      expect([allow?.Effect, deny?.Effect]).toEqual(['Allow', 'Deny']);
      expect(deny?.Action).toEqual(allow?.Action);
      expect(JSON.stringify(deny?.Condition)).toMatch(
        /lambda:SourceFunctionArn.*function:sluice-prod-traffic(-express)?-consumer"/,
      );
    }
  });

  it('is counted before it is created', () => {
    const { settings, stack } = createStack('prod', { ...feeds, SLUICE_EGRESS: 'static' });
    const without = createStack('prod', feeds);
    const count = (of: typeof stack) => of.node.findAll().filter((each) => 'cfnResourceType' in each).length;
    expect(resourcesOf(settings) - resourcesOf(without.settings)).toBe(count(stack) - count(without.stack));
  });
});

describe('egress through existing subnets', () => {
  const chosen = {
    ...feeds,
    SLUICE_EGRESS: 'subnets',
    SLUICE_EGRESS_SUBNETS: 'subnet-0a1b2c3d4e5f60718, subnet-0a1b2c3d4e5f60719',
    SLUICE_EGRESS_SECURITY_GROUPS: 'sg-0a1b2c3d4e5f60718',
  };

  it('places the consumers there, and creates no network', () => {
    const { resources, outputs } = synthesise('prod', chosen);
    expect(Object.values(resources).filter(({ Type }) => Type.startsWith('AWS::EC2::'))).toEqual([]);
    expect(outputs).not.toHaveProperty('EgressAddresses');
    const placed = [...vpcConfigs(resources)].filter(([, config]) => config !== undefined);
    expect(placed).toHaveLength(2);
    for (const [name, config] of placed) {
      expect(name).toMatch(consumers);
      expect(config).toEqual({
        SubnetIds: ['subnet-0a1b2c3d4e5f60718', 'subnet-0a1b2c3d4e5f60719'],
        SecurityGroupIds: ['sg-0a1b2c3d4e5f60718'],
      });
    }
  });

  it.each([
    [{ ...chosen, SLUICE_EGRESS: 'nat' }, /SLUICE_EGRESS_SUBNETS is set, and SLUICE_EGRESS is 'nat'/],
    [{ SLUICE_EGRESS: 'nat' }, /SLUICE_EGRESS is 'nat'; it must be lambda, static or subnets/],
    [{ ...chosen, SLUICE_EGRESS_SUBNETS: 'private' }, /SLUICE_EGRESS_SUBNETS is 'private'; it must be ids of subnets/],
    [
      { ...chosen, SLUICE_EGRESS_SECURITY_GROUPS: '' },
      /SLUICE_EGRESS_SECURITY_GROUPS is ''; it must be ids of security groups/,
    ],
    [{ SLUICE_EGRESS_SUBNETS: 'subnet-0a1b2c3d' }, /SLUICE_EGRESS_SUBNETS is set, and SLUICE_EGRESS is ''/],
    [{ SLUICE_EGRESS: 'static', SLUICE_FEEDS: 'maintenance' }, /none of the stack's feeds sends to an API/],
  ])('refuses %o', (environment, sentence) => {
    expect(() => createStack('prod', environment)).toThrow(sentence);
  });

  it('does not exist on a local cloud', () => {
    expect(() => createStack('local', { SLUICE_EGRESS: 'static' })).toThrow(/a local cloud has no networks/);
  });
});
