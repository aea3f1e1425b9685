import { readFileSync } from 'node:fs';
import { z } from 'zod';

const decision = z.object({
  /** `arn:aws:sts::…:assumed-role/<role>/<session>`; a function's session has the function's name. */
  caller: z.string(),
  /** `s3:GetObject` */
  action: z.string(),
  resource: z.string(),
  /** `Allow`; `Deny` and `ImplicitDeny`; or why the caller was not authenticated. */
  decision: z.string(),
});
export type Decision = z.infer<typeof decision>;

/** The decisions about calls under a role of an endpoint that evaluates IAM, in order. */
export function readDecisions(decisionsFile: string): Decision[] {
  const lines = readFileSync(decisionsFile, 'utf8').split('\n');
  // The last line may be incomplete.
  return lines.slice(0, -1).map((line) => decision.parse(JSON.parse(line)));
}

export const sessionOf = ({ caller }: Decision): string => caller.slice(caller.lastIndexOf('/') + 1);
