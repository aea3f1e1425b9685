export const leastNode: string;
export function isNewEnough(version: string): boolean;
