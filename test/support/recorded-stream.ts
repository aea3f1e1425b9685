import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';

/** Keeps what is written to it, as a terminal of that size or as a pipe. */
export class RecordedStream extends Writable {
  text = '';
  isTTY = false;
  columns = 60;
  rows = 24;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  /** By the environment, as a terminal's own: it is where `NO_COLOR` is heeded. */
  getColorDepth(): number {
    return WriteStream.prototype.getColorDepth.call(this as unknown as WriteStream);
  }

  /** What has been written since this was asked last. */
  take(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}
