import { z } from 'zod';
import { SeededDice } from '../seeded-dice.ts';
import type { AwsCall } from './identify-call.ts';

/**
 * The faults of a call to AWS.
 * - `throttle`, `error`: the service's own answer to too many calls, or to a fault of its own; nothing is forwarded.
 * - `resetBefore`: the connection is lost before the service gets the call.
 * - `resetAfter`: the connection is lost after the service has executed the call: the caller can't know.
 * - `partial`: some entries of a SendMessageBatch are left out and reported as failed.
 * - `twice`: the service gets the call twice, the caller gets the second answer.
 */
const faultKind = z.enum(['throttle', 'error', 'resetBefore', 'resetAfter', 'partial', 'twice']);
export type ProxyFault = z.infer<typeof faultKind>;

const rule = z.strictObject({
  /** As in a signature's scope: `dynamodb`, `sqs`, `s3`, … */
  service: z.string(),
  /** In AWS's names; all operations of the service if omitted. */
  operations: z.array(z.string()).optional(),
  fault: faultKind,
  /** The share of the rule's calls that fail. */
  share: z.number().min(0).max(1),
});

export const proxyFaultsSchema = z.strictObject({
  /** Evaluated in this order; the first rule that applies determines the call's fault. */
  rules: z.array(rule).default([]),
  /** The delay before every call: from, to. */
  latencyMs: z
    .tuple([z.number().min(0), z.number().min(0)])
    .nullable()
    .default(null),
});
export type ProxyFaults = z.infer<typeof proxyFaultsSchema>;
export type ProxyFaultsInput = z.input<typeof proxyFaultsSchema>;

export class ProxyDice extends SeededDice {
  draw({ rules }: ProxyFaults, call: AwsCall): ProxyFault | null {
    for (const { service, operations, fault, share } of rules) {
      if (service !== call.service || (operations && !operations.includes(call.operation))) continue;
      // Only batches have parts.
      if (fault === 'partial' && call.operation !== 'SendMessageBatch') continue;
      if (this.next() < share) return fault;
    }
    return null;
  }

  latencyMs({ latencyMs }: ProxyFaults): number {
    if (!latencyMs) return 0;
    const [from, to] = latencyMs;
    return from + this.next() * (to - from);
  }
}
