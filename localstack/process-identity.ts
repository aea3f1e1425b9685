import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process by number and start time: the same number alone may belong to another process by now. */
export interface ProcessIdentity {
  pid: number;
  /** Ticks since boot and the boot's id on Linux, a date elsewhere; only ever compared for equality. */
  startedAt: string;
}

export interface ListedProcess {
  pid: number;
  group: number;
  startedAt: string;
  commandLine: string;
}

/** @returns null if there is no such process, or only its zombie */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const found = listProcesses().find((each) => each.pid === pid);
  return found ? { pid, startedAt: found.startedAt } : null;
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/**
 * Kills a leader and everything in its process group, and waits until they are gone. If the leader is dead already, an
 * orphan is killed only if its command line contains `mark`: the number may belong to another group by now.
 */
export async function killGroup(leader: ProcessIdentity, mark: string, deadlineMs = 5_000): Promise<void> {
  const members = () => listProcesses().filter(({ group }) => group === leader.pid);
  if (!isRunning(leader)) {
    const orphans = members();
    if (orphans.length === 0 || !orphans.every(({ commandLine }) => commandLine.includes(mark))) return;
  }
  const giveUpAt = Date.now() + deadlineMs;
  do {
    signalGroup(leader.pid);
    await delay(20);
  } while (members().length > 0 && Date.now() < giveUpAt);
}

/** The processes of a leader's group; none if the leader is dead: its number may belong to another group by now. */
export function groupOf(leader: ProcessIdentity): ListedProcess[] {
  if (!isRunning(leader)) return [];
  return listProcesses().filter(({ group }) => group === leader.pid);
}

/** Kills a group at once, for exit handlers, which can't wait. */
export function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Without zombies: they have ended, but stay listed if nothing reaps them (in a container without an init). */
function listProcesses(): ListedProcess[] {
  return process.platform === 'linux' ? listFromProc() : listFromPs();
}

/** Small Linux images have no `ps`. */
function listFromProc(): ListedProcess[] {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const found: ListedProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // proc_pid_stat(5): the name in parentheses may contain anything, so the fields are counted from its end.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') continue;
      found.push({
        pid: Number(name),
        group: Number(fields[2]),
        startedAt: `${boot} ${fields[19] ?? ''}`,
        commandLine: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '),
      });
    } catch {
      // Ended while the list was read.
    }
  }
  return found;
}

function listFromPs(): ListedProcess[] {
  const text = execFileSync('ps', ['-axo', 'pid=,pgid=,stat=,lstart=,args='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C' },
  });
  return text.split('\n').flatMap((line) => {
    const [, pid, group, state, startedAt, commandLine] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(line) ?? [];
    if (!pid || !group || !state || !startedAt || state.startsWith('Z')) return [];
    return [{ pid: Number(pid), group: Number(group), startedAt, commandLine: commandLine ?? '' }];
  });
}
