import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** Exit code of the second verifier, and its output. */
export type Answer = [code: number, said: string];

/** The second verifier, kept running: a process a case would take most of the time. */
export interface PythonVerifier {
  verify(args: readonly string[]): Promise<Answer>;
  stop(): void;
}

/** Undefined without Python. */
export function startPythonVerifier(): PythonVerifier | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return undefined;
  const script = resolve(import.meta.dirname, '../verifier/serve.py');
  const child = spawn('python3', ['-B', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    verify: async (args) => {
      child.stdin.write(`${JSON.stringify(args)}\n`);
      const { value, done } = (await lines.next()) as { value: string; done?: boolean };
      if (done) throw new Error('The second verifier has ended.');
      return JSON.parse(value) as Answer;
    },
    stop: () => child.kill(),
  };
}
