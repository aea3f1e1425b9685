import { readFileSync, readdirSync } from 'node:fs';

/** CPU-seconds used so far, by part. */
export interface CpuByPart {
  /** The functions: Node processes below the local cloud's. */
  functions: number;
  /** The local cloud itself. */
  cloud: number;
  /** This process: the fake API, and the benchmark's own waiting. */
  api: number;
}

/** Ticks a second of /proc's times: USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * Reads /proc, so Linux only: elsewhere functions and cloud are NaN. A function's process that has ended counts with the
 * cloud's, whose child it was.
 */
export function cpuByPart(cloudPid: number | undefined): CpuByPart {
  const { user, system } = process.cpuUsage();
  const api = (user + system) / 1e6;
  if (process.platform !== 'linux' || cloudPid === undefined) return { functions: NaN, cloud: NaN, api };
  const all = listProcesses();
  const below = (pid: number): number[] => [
    pid,
    ...all.filter((each) => each.parent === pid).flatMap((each) => below(each.pid)),
  ];
  let functions = 0;
  let cloud = 0;
  for (const pid of below(cloudPid)) {
    const found = all.find((each) => each.pid === pid);
    if (!found) continue;
    if (found.name.startsWith('node') || found.name.startsWith('MainThread')) functions += found.seconds;
    else cloud += found.seconds;
  }
  return { functions, cloud, api };
}

export function cpuBetween(before: CpuByPart, after: CpuByPart): CpuByPart {
  return {
    functions: after.functions - before.functions,
    cloud: after.cloud - before.cloud,
    api: after.api - before.api,
  };
}

interface Listed {
  pid: number;
  parent: number;
  name: string;
  seconds: number;
}

function listProcesses(): Listed[] {
  const found: Listed[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      // proc_pid_stat(5), from the state on: ppid, then utime and stime.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const ticks = Number(fields[11]) + Number(fields[12]);
      found.push({ pid: Number(entry), parent: Number(fields[1]), name, seconds: ticks / ticksPerSecond });
    } catch {
      // Ended while the list was read.
    }
  }
  return found;
}
