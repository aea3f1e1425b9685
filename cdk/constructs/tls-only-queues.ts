import { Effect, PolicyDocument, PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnQueuePolicy, QueuePolicy } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/**
 * Makes queues refuse requests without TLS. One policy covers all queues that have none of their own: a stack's resources
 * are limited, and the CDK's `enforceSSL` would make a policy for each queue.
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
