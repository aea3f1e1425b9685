/** A control file can't be read as one. Its message is a sentence for the desk. */
export class ControlFileError extends Error {
  override readonly name = 'ControlFileError';
}
