import { describe, expect, it } from 'vitest';
import type { Metrics } from '../../../lambdas/ports.ts';
import { reportingMemory } from '../../../lambdas/runtime/report-memory.ts';

function recorded(): Metrics & { added: [string, number][]; flushed: number } {
  const added: [string, number][] = [];
  return {
    added,
    flushed: 0,
    add: (name, value) => void added.push([name, value]),
    flush() {
      this.flushed++;
    },
  };
}

describe('a handler that reports its memory', () => {
  it('answers as before, and reports the peak in percent of the function’s memory', async () => {
    const metrics = recorded();
    const handler = reportingMemory(
      (event: number) => Promise.resolve(event + 1),
      metrics,
      () => 192 * 1024,
    );
    expect(await handler(1, { memoryLimitInMB: '256' })).toBe(2);
    expect(metrics).toMatchObject({ added: [['MemoryUse', 75]], flushed: 1 });
  });

  it('also reports it if the handler fails', async () => {
    const metrics = recorded();
    const handler = reportingMemory(
      () => Promise.reject(new Error('no')),
      metrics,
      () => 256 * 1024,
    );
    await expect(handler(1, { memoryLimitInMB: '256' })).rejects.toThrow('no');
    expect(metrics.added).toEqual([['MemoryUse', 100]]);
  });

  it('reports this process’s own peak, in kibibytes as the system has it', async () => {
    const metrics = recorded();
    await reportingMemory(() => Promise.resolve(), metrics)(1, { memoryLimitInMB: '1000000' });
    expect(metrics.added[0]?.[1]).toBeGreaterThan((process.memoryUsage().rss / 2 ** 20 / 1e6) * 50);
  });

  it('reports nothing if the memory is unknown', async () => {
    const metrics = recorded();
    await reportingMemory(() => Promise.resolve(), metrics)(1, { memoryLimitInMB: '' });
    expect(metrics.added).toEqual([]);
  });
});
