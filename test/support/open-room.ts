import type { Sight } from '../../cli/live/lookout.ts';
import type { Selection } from '../../cli/dlq/select-dead.ts';
import type { ControlRoom } from '../../cli/ui/control-room.ts';
import { openControlRoom } from '../../cli/ui/control-room.ts';
import { RedriveJobs } from '../../cli/ui/redrive-jobs.ts';
import { liveSnapshot } from './live-snapshot.ts';

export interface RoomWorld {
  room: ControlRoom;
  /** Without the token. */
  origin: string;
  token: string;
  /** What the page is shown; change it as you like. */
  sight: Sight;
  exported: Selection[];
  redriven: Selection[];
  /** Where the redrive that runs is told what it says, and its end. */
  say: (text: string) => void;
  endRedrive: (text: string) => void;
  failRedrive: (text: string) => void;
  jobs: RedriveJobs;
}

/** A control room over a snapshot that a test makes, with redrives that end when the test says so. */
export async function openRoom(): Promise<RoomWorld> {
  const world = {
    sight: { snapshot: liveSnapshot(), unanswered: null },
    exported: [] as Selection[],
    redriven: [] as Selection[],
  } as RoomWorld;
  world.jobs = new RedriveJobs((selection, say, signal) => {
    world.redriven.push(selection);
    world.say = say;
    return new Promise((resolve, reject) => {
      world.endRedrive = resolve;
      world.failRedrive = (text) => reject(new Error(text));
      signal.addEventListener('abort', () => resolve('stopped'), { once: true });
    });
  }, explain);
  world.room = await openControlRoom(0, {
    sight: async () => world.sight,
    redrives: world.jobs,
    feeds: ['traffic'],
    explain,
    exportDead: async function* (selection) {
      world.exported.push(selection);
      yield 'file_id,record\r\n';
      yield 'f1,4\r\n';
    },
  });
  const url = new URL(world.room.url);
  return Object.assign(world, { origin: url.origin, token: url.hash.slice(1) });
}

function explain(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
