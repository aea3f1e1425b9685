import { readFileSync } from 'node:fs';
import { z } from 'zod';

const decision = z.object({
  /** `arn:aws:sts::…:assumed-role/<role>/<session>`; a function's session has its name. */
  caller: z.string(),
  /** `s3:GetObject` */
  action: z.string(),
  resource: z.string(),
  /** `Allow`; `Deny` and `ImplicitDeny`; or why the caller was not believed to be one. */
  decision: z.string(),
});
export type Decision = z.infer<typeof decision>;

/** What an endpoint that evaluates IAM has decided about calls under a role, in order. */
export function readDecisions(decisionsFile: string): Decision[] {
  const lines = readFileSync(decisionsFile, 'utf8').split('\n');
  // The last may be half written.
  return lines.slice(0, -1).map((line) => decision.parse(JSON.parse(line)));
}

export const sessionOf = ({ caller }: Decision): string => caller.slice(caller.lastIndexOf('/') + 1);
