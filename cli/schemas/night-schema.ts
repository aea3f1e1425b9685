import { z } from 'zod';
import { nightEntry } from '../../lambdas/core/nights/night-entry.ts';

/** The form of an entry of the night log as a JSON Schema (2020-12); docs/schemas/ has it as a file. */
export function nightSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(nightEntry, { io: 'output' });
  const title = 'Sluice: an entry of the night log, version 1';
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
