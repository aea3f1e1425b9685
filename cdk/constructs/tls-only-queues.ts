import { Effect, PolicyDocument, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnQueuePolicy, QueuePolicy } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * Has queues refuse what doesn't come over TLS. One policy for all that have none of their own: a stack's number of
 * resources is limited, and the CDK's `enforceSSL` makes a policy for each.
 */
export function acceptTlsOnly(scope: Construct, queues: readonly Queue[]): void {
  const others = queues.filter((queue) => {
    const hasPolicy = queue.node.findAll().some((child) => child instanceof QueuePolicy);
    if (hasPolicy) queue.addToResourcePolicy(tlsOnly(queue.queueArn));
    return !hasPolicy;
  });
  new CfnQueuePolicy(scope, 'TlsOnly', {
    queues: others.map((queue) => queue.queueUrl),
    // `*` is the queue that the policy is attached to.
    policyDocument: new PolicyDocument({ statements: [tlsOnly('*')] }),
  });
}

function tlsOnly(resource: string): PolicyStatement {
  return new PolicyStatement({
    sid: 'TlsOnly',
    effect: Effect.DENY,
    principals: [new StarPrincipal()],
    actions: ['sqs:*'],
    resources: [resource],
    conditions: { Bool: { 'aws:SecureTransport': 'false' } },
  });
}
