/** The local cloud is not available; the message is for the user: what is wrong and what to do. */
export class LocalCloudError extends Error {
  override readonly name = 'LocalCloudError';
}
