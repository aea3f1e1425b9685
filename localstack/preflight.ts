/** Decisions about a machine, separate from probing it: each fault is one sentence that says what to do. */

export interface PythonFound {
  command: string;
  /** Major and minor. */
  version: [number, number];
  hasVenv: boolean;
  hasEnsurepip: boolean;
}

export interface MachineFound {
  pythons: PythonFound[];
  /** The result of `docker compose version` and `docker info`: null if both succeeded. */
  dockerFault: 'not installed' | 'no compose plugin' | 'not running' | null;
}

export type CloudChoice = { kind: 'ministack'; python: string } | { kind: 'docker' };
export type Choice = CloudChoice | { kind: 'none'; sentence: string };

const leastPython = [3, 10] as const;

/** @param forced the value of SLUICE_LOCAL_CLOUD; undefined: MiniStack first, since the tests run on it, then Docker */
export function chooseCloud(machine: MachineFound, forced: string | undefined): Choice {
  if (forced !== undefined && forced !== '' && forced !== 'ministack' && forced !== 'docker') {
    return { kind: 'none', sentence: `SLUICE_LOCAL_CLOUD is '${forced}'; it can be ministack or docker.` };
  }
  const python = forced === 'docker' ? null : choosePython(machine.pythons);
  if (python?.kind === 'ministack') return python;
  const dockerFault = describeDockerFault(machine.dockerFault);
  if (forced !== 'ministack' && dockerFault === null) return { kind: 'docker' };
  if (forced === 'docker') return { kind: 'none', sentence: dockerFault ?? '' };
  const instead = forced === 'ministack' || dockerFault === null ? '' : ` Docker would also work, but: ${dockerFault}`;
  return { kind: 'none', sentence: `${python?.sentence ?? ''}${instead}` };
}

/** @param user what needs it, as the subject of the sentence */
export function choosePython(found: PythonFound[], user = 'The local cloud'): Exclude<Choice, { kind: 'docker' }> {
  const recent = found.filter(({ version }) => isRecent(version));
  const whole = recent.find(({ hasVenv, hasEnsurepip }) => hasVenv && hasEnsurepip);
  if (whole) return { kind: 'ministack', python: whole.command };
  const least = leastPython.join('.');
  const [best] = recent;
  if (best) {
    const version = best.version.join('.');
    return {
      kind: 'none',
      sentence:
        `${user} needs Python's venv module, which ${best.command} (Python ${version}) lacks: ` +
        `on Debian or Ubuntu, \`apt-get install python${version}-venv\` (or python3-venv).`,
    };
  }
  const [old] = found;
  return {
    kind: 'none',
    sentence: old
      ? `${user} needs Python ${least} or newer, and ${old.command} is ${old.version.join('.')}: install a newer one ` +
        `(on Debian or Ubuntu, \`apt-get install python3 python3-venv\`), or name one in SLUICE_PYTHON.`
      : `${user} needs Python ${least} or newer, and there is none on the PATH: install it ` +
        `(on Debian or Ubuntu, \`apt-get install python3 python3-venv\`), or name one in SLUICE_PYTHON.`,
  };
}

function isRecent([major, minor]: [number, number]): boolean {
  return major > leastPython[0] || (major === leastPython[0] && minor >= leastPython[1]);
}

function describeDockerFault(fault: MachineFound['dockerFault']): string | null {
  switch (fault) {
    case null:
      return null;
    case 'not installed':
      return 'Docker is not installed; see https://docs.docker.com/get-docker/.';
    case 'no compose plugin':
      return 'Docker lacks its compose plugin; see https://docs.docker.com/compose/install/.';
    case 'not running':
      return 'the Docker daemon does not answer; start it, or check with `docker info` that you may use it.';
  }
}

export type PortState = 'free' | 'taken' | 'forbidden';

export function checkPort(port: number, state: PortState): string | null {
  switch (state) {
    case 'free':
      return null;
    case 'taken':
      return `Port ${port} is taken by another program: stop that one, or choose another port (\`--port ${nextPort(port)}\`).`;
    case 'forbidden':
      return `Port ${port} is reserved for other users: choose one above 1023 (\`--port 4566\`).`;
  }
}

const nextPort = (port: number): number => (port < 65535 ? port + 1 : 4566);
