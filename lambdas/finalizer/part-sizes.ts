/**
 * S3: an object has at most 10,000 parts, each of 5 MiB to 5 GiB; only the last one may be smaller.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export interface PartSizes {
  /** Receipts are collected in memory until a part has at least this many bytes. @param number of the part, from 1 */
  receipts: (number: number) => number;
  /** The smallest part that is not the last. Bytes. */
  least: number;
  /** Larger sources are copied in parts. CopyObject copies up to 5 GB. */
  wholeCopy: number;
  /** Bytes of each part of a source that is copied in parts. @param sizeBytes of the source */
  copy: (sizeBytes: number) => number;
}

const mebibyte = 1024 ** 2;
const maxParts = 10_000;

/**
 * Small parts at first, since they are in memory, and larger ones when there are many: 8 MiB up to 20 GB of receipts (some
 * 180 million records), and 10,000 parts are 300 GB.
 */
export const s3PartSizes: PartSizes = {
  receipts: (number) => 8 * mebibyte * 2 ** Math.floor((number - 1) / (maxParts / 4)),
  least: 5 * mebibyte,
  wholeCopy: 5 * 1024 * mebibyte,
  copy: (sizeBytes) => Math.max(512 * mebibyte, Math.ceil(sizeBytes / maxParts)),
};
