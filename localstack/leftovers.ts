import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What taking local clouds away leaves on purpose: a sentence each, with why. */
export function describeLeftovers(stateDirs: Iterable<string>, venvDir: string, hadDocker: boolean): string[] {
  const logs = [...stateDirs].map((dir) => join(dir, 'endpoint.log')).filter((log) => existsSync(log));
  return [
    ...logs.map((log) => `Left: the endpoint's log, ${log}, for whoever looks into what happened.`),
    ...(existsSync(venvDir)
      ? [
          `Left: MiniStack's Python environment, ${venvDir}, so that the next \`up\` takes seconds; delete it if you like.`,
        ]
      : []),
    ...(hadDocker ? ["Left: LocalStack's Docker image; `docker image rm` takes it away."] : []),
  ];
}
