/** Runs works one after the other; the next begins when the one before has ended, however it ended. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

export function oneAfterTheOther(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
