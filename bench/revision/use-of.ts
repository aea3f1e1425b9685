/** Of one process. CPU time is what to compare: others may use the machine meanwhile. */
export interface Used {
  seconds: number;
  cpuSeconds: number;
}

export async function useOf(work: () => Promise<void>): Promise<Used> {
  globalThis.gc?.();
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}
