import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Stands in for Python with MiniStack: makes "environments" that are copies of itself, and as MiniStack answers health
 * checks and has a worker that outlives it, as a Lambda's `node` outlives a killed MiniStack.
 * @returns the command for SLUICE_PYTHON
 */
export function writeStubPython(dir: string, { installFails = false, dies = false } = {}): string {
  mkdirSync(dir, { recursive: true });
  const server = join(dir, 'server.mjs');
  writeFileSync(
    server,
    `import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
if (${String(dies)}) { console.log('no licence to run'); process.exit(3); }
if (process.env.SLUICE_ENDPOINT_LIFELINE === '1') process.stdin.resume().on('end', () => process.kill(-process.pid, 'SIGKILL'));
const worker = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', process.env.TMPDIR + '/worker.js'], { stdio: 'ignore' });
appendFileSync(process.env.TMPDIR + '/../pids', process.pid + ' ' + worker.pid + '\\n');
createServer((_, response) => response.end('{}')).listen(Number(process.env.GATEWAY_PORT), process.env.BIND_HOST);
`,
  );
  const stub = join(dir, 'python3');
  writeFileSync(
    stub,
    `#!/bin/sh
case "$1 $2" in
  "-c "*) echo '{"version":[3,12],"hasVenv":true,"hasEnsurepip":true}' ;;
  "-m venv") echo made >> '${join(dir, 'made')}'; mkdir -p "$3/bin" && cp '${stub}' "$3/bin/python" ;;
  "-m pip") ${installFails ? 'echo "no route to PyPI"; exit 1' : 'exit 0'} ;;
  *) exec '${process.execPath}' '${server}' ;;
esac
`,
  );
  chmodSync(stub, 0o755);
  return stub;
}
