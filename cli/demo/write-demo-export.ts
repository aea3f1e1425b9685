import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AvionExport, SpotPayload } from '../../test/support/avion-export.ts';
import { writeAvionExport } from '../../test/support/avion-export.ts';
import { demo } from './demo-settings.ts';

/** The demo's file and its expected outcome. */
export interface DemoExport extends AvionExport {
  path: string;
  /** Every spot that the API must hold at the end, by id. */
  spots: Map<string, SpotPayload>;
}

/** New bytes in each run, since the same file twice is a duplicate. Files of earlier runs are removed. */
export async function writeDemoExport(dir: string, nowMs: number): Promise<DemoExport> {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) if (/^avion-.*\.csv$/.test(name)) await rm(join(dir, name));
  const time = new Date(nowMs).toISOString();
  const path = join(dir, `avion-${time.slice(0, 19).replaceAll(':', '').replace('T', '-')}.csv`);
  const spots = new Map<string, SpotPayload>();
  const written = await writeAvionExport(
    path,
    {
      rows: demo.rows,
      brokenShare: demo.brokenShare,
      refused: demo.refused,
      format: 'csv',
      // Seconds since 1970 still fit the generator's 32 bits.
      seed: Math.floor(nowMs / 1000),
      day: time.slice(0, 10),
    },
    ({ truth }) => {
      if (truth.kind === 'valid') spots.set(truth.payload.spot_id, truth.payload);
    },
  );
  return { ...written, path, spots };
}
