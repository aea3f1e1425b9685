/** Bytes by their names, for scanners, which compare bytes rather than text. */
export const tab = 9;
export const lineFeed = 10;
export const carriageReturn = 13;
export const ctrlZ = 26;
export const space = 32;
export const quote = 34;
export const comma = 44;
export const colon = 58;
export const openArray = 91;
export const backslash = 92;
export const closeArray = 93;
export const openObject = 123;
export const closeObject = 125;
