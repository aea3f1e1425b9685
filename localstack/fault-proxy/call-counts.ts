import type { ProxyFault } from './proxy-faults.ts';
import type { AwsCall } from './identify-call.ts';

export interface CallCount {
  requests: number;
  /** KiB of the requests' bodies, each rounded up: DynamoDB bills writes per KiB, SQS requests per 64 KiB. */
  kibibytes: number;
  /** How often each fault occurred. */
  faults: Partial<Record<ProxyFault, number>>;
}

/** By `service.Operation`. */
export type CallCounts = Record<string, CallCount>;

export class CallCounter {
  #counts: CallCounts = {};

  /** @param bodyBytes size of the request's body */
  count({ service, operation }: AwsCall, fault: ProxyFault | null, bodyBytes: number): void {
    const count = (this.#counts[`${service}.${operation}`] ??= { requests: 0, kibibytes: 0, faults: {} });
    count.requests++;
    count.kibibytes += Math.ceil(bodyBytes / 1024);
    if (fault) count.faults[fault] = (count.faults[fault] ?? 0) + 1;
  }

  report(): CallCounts {
    const byName = Object.entries(this.#counts).sort(([a], [b]) => (a < b ? -1 : 1));
    return structuredClone(Object.fromEntries(byName));
  }

  reset(): void {
    this.#counts = {};
  }
}
