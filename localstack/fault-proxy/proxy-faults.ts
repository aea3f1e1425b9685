import { z } from 'zod';
import { SeededDice } from '../seeded-dice.ts';
import type { AwsCall } from './identify-call.ts';

/**
 * What goes wrong with a call to AWS.
 * - `throttle`, `error`: the service's own answer to too many calls, or to a fault of its own; nothing is forwarded.
 * - `resetBefore`: the connection is lost and the service knows nothing of the call.
 * - `resetAfter`: the connection is lost when the service has done what it was asked for: the caller can't know.
 * - `partial`: some entries of a SendMessageBatch are left out and told as failed.
 * - `twice`: the service gets the call two times, the caller the second answer.
 */
const faultKind = z.enum(['throttle', 'error', 'resetBefore', 'resetAfter', 'partial', 'twice']);
export type ProxyFault = z.infer<typeof faultKind>;

const rule = z.strictObject({
  /** As in a signature's scope: `dynamodb`, `sqs`, `s3`, … */
  service: z.string(),
  /** By AWS's names; all of the service's if there are none. */
  operations: z.array(z.string()).optional(),
  fault: faultKind,
  /** Of the calls that the rule is for. */
  share: z.number().min(0).max(1),
});

export const proxyFaultsSchema = z.strictObject({
  /** Asked in this order; the first that strikes is the call's fault. */
  rules: z.array(rule).default([]),
  /** Every call waits as long first: from, to. */
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
