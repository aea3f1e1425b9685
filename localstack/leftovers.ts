import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What removing local clouds leaves on purpose: one sentence each, with the reason. */
export function describeLeftovers(stateDirs: Iterable<string>, venvDir: string, hadDocker: boolean): string[] {
  const logs = [...stateDirs].map((dir) => join(dir, 'endpoint.log')).filter((log) => existsSync(log));
  return [
    ...logs.map((log) => `Kept: the endpoint's log, ${log}, in case you need to investigate.`),
    ...(existsSync(venvDir)
      ? [`Kept: MiniStack's Python environment, ${venvDir}, so that the next \`up\` takes seconds; you may delete it.`]
      : []),
    ...(hadDocker ? ["Kept: LocalStack's Docker image; `docker image rm` removes it."] : []),
  ];
}
