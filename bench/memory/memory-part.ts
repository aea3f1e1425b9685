/** A part of Sluice that goes through a whole file. */
export interface MemoryPart {
  /** Of its function, for the flags that Lambda's runtime starts Node with; a command has Node's own. */
  memoryMb?: number;
  /** Its function keeps V8 from enlarging the space of new objects. */
  limitsYoungHeap?: boolean;
  load: () => Promise<{ run: RunPart }>;
}

/**
 * @param root has a folder with the evidence of each number of records, which the finalizer makes
 * @returns the peak memory if the part is another process, in MB
 */
export type RunPart = (records: number, root: string) => Promise<number | void>;
