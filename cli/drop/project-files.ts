import { feeds } from '../../feeds/index.ts';
import type { Projection } from '../../lambdas/core/deadlines/projection.ts';
import type { ProjectionPorts } from '../../lambdas/deadlines/project-open-files.ts';
import { projectOpenFiles } from '../../lambdas/deadlines/project-open-files.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { StackOutputs } from '../stack/stack-outputs.ts';

/** When the open files will be done. */
export interface Projections {
  of(fileId: string): Projection | undefined;
}

export async function projectFilesOf(
  stack: Pick<ProjectionPorts, 'limiterOf' | 'ledger'> & { outputs: StackOutputs },
  clock: Pick<Clock, 'now'>,
): Promise<Projections> {
  // All feeds, not only the requested ones: they may share a limit.
  const deployed = stack.outputs.projectedFeeds(feeds.map((feed) => feed.name));
  const lines = await projectOpenFiles(deployed, { ledger: stack.ledger, limiterOf: stack.limiterOf, clock });
  const byId = new Map(lines.flatMap(({ files }) => files).map((file) => [file.fileId, file]));
  return { of: (fileId) => byId.get(fileId) };
}
