/** The local cloud can't be had; the message is one for the person at the terminal: what is wrong and what to do. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError';
}
