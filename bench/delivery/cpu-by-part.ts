import { readFileSync, readdirSync } from 'node:fs';

/** CPU-seconds used so far, by part. */
export interface CpuByPart {
  /** The functions: Node processes below the local cloud's. */
  functions: number;
  /** The same, by the last part of the function's name: `splitter`, `consumer`, … */
  byFunction: Record<string, number>;
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
  if (process.platform !== 'linux' || cloudPid === undefined)
    return { functions: NaN, byFunction: {}, cloud: NaN, api };
  const all = listProcesses();
  const byFunction: Record<string, number> = {};
  let functions = 0;
  let cloud = 0;
  for (const pid of below(cloudPid, all)) {
    const found = all.find((each) => each.pid === pid);
    if (!found) continue;
    const name = functionOf(pid);
    if (name === undefined) cloud += found.seconds;
    else {
      functions += found.seconds;
      byFunction[name] = (byFunction[name] ?? 0) + found.seconds;
    }
  }
  return { functions, byFunction, cloud, api };
}

/**
 * The most memory that any process of each function below the local cloud's has had so far, in MB; Linux only.
 * https://man7.org/linux/man-pages/man5/proc_pid_status.5.html: VmHWM
 */
export function peakMemoryMb(cloudPid: number | undefined): Record<string, number> {
  const peaks: Record<string, number> = {};
  if (process.platform !== 'linux' || cloudPid === undefined) return peaks;
  for (const pid of below(cloudPid, listProcesses())) {
    const name = functionOf(pid);
    if (name === undefined && pid !== cloudPid) continue;
    const key = name ?? 'cloud';
    peaks[key] = Math.max(peaks[key] ?? 0, peakOf(pid) ?? 0);
  }
  return peaks;
}

/** Peak memory of one process, in MB; undefined if it has ended. */
export function peakOf(pid: number): number | undefined {
  try {
    const kilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    return Math.round(kilobytes / 1024) || undefined;
  } catch {
    return undefined;
  }
}

/** CPU-seconds of one process; undefined if it has ended. */
export const secondsOf = (pid: number): number | undefined => read(pid)?.seconds;

/** Undefined if the process does not belong to a function. */
function functionOf(pid: number): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    const name = /(?:^|\0)AWS_LAMBDA_FUNCTION_NAME=([^\0]+)/.exec(environment)?.[1];
    return name?.slice(name.lastIndexOf('-') + 1);
  } catch {
    return undefined;
  }
}

export function cpuBetween(before: CpuByPart, after: CpuByPart): CpuByPart {
  const named = Object.entries(after.byFunction);
  return {
    functions: after.functions - before.functions,
    byFunction: Object.fromEntries(named.map(([name, used]) => [name, used - (before.byFunction[name] ?? 0)])),
    cloud: after.cloud - before.cloud,
    api: after.api - before.api,
  };
}

/** As for another number of records. */
export function scaled({ functions, byFunction, cloud, api }: CpuByPart, share: number): CpuByPart {
  const named = Object.entries(byFunction).map(([name, used]): [string, number] => [name, used * share]);
  return {
    functions: functions * share,
    byFunction: Object.fromEntries(named),
    cloud: cloud * share,
    api: api * share,
  };
}

interface Listed {
  pid: number;
  parent: number;
  seconds: number;
}

/** The process and all its descendants. */
function below(pid: number, all: readonly Listed[]): number[] {
  return [pid, ...all.filter((each) => each.parent === pid).flatMap((each) => below(each.pid, all))];
}

function listProcesses(): Listed[] {
  const found: Listed[] = [];
  for (const entry of readdirSync('/proc')) {
    const listed = /^\d+$/.test(entry) ? read(Number(entry)) : undefined;
    if (listed) found.push(listed);
  }
  return found;
}

/** Undefined if it has ended. */
function read(pid: number): Listed | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc_pid_stat(5), from the state on: ppid, then utime and stime. A name may have anything in it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { pid, parent: Number(fields[1]), seconds: ticks / ticksPerSecond };
  } catch {
    return undefined;
  }
}
