import { z } from 'zod';
import type { Letter } from '../../lambdas/messages.ts';
import { letter } from '../../lambdas/messages.ts';

/** Descriptions of the fields, for readers of a letter without this code. */
const descriptions: Record<keyof Letter, string> = {
  v: 'Version of this format. It is raised when a reader of the version before could not understand a letter.',
  kind: 'Tells a letter from other messages.',
  timestamp: 'When the record failed, UTC.',
  feed: 'The feed that the file belongs to.',
  source_file: 'The file as it was dropped: s3://bucket/key.',
  source_version_id: 'Which version of it, where small files of one record each went together.',
  record: 'Number of the record in the file, from 1; a CSV header is not counted.',
  line: 'Physical line in the file where the record begins, from 1.',
  outcome:
    'rejected: it did not pass the checks and was never sent; refused: the API said no; exhausted: the API failed.',
  reason:
    'Why it failed, as a word to group by: a check that failed, http_<status>, circuit_open, a connection fault, …',
  error: 'Why it failed, as a sentence.',
  field: "The field at fault, by the source's name; null where it is the record as a whole.",
  http_status: "Status of the API's last answer; null where it gave none.",
  api_answer: 'What the API answered, trimmed.',
  raw_encoding:
    'text: raw_payload is the record as it stood in the file; base64: the same, where text can not carry it; ' +
    'head: base64 of its first 1,024 bytes only, where it is longer than 64 KiB; see payload_key.',
  raw_payload: 'The record as it stood in the file; see raw_encoding.',
  payload_key:
    'Where all of a record longer than 64 KiB lies in the work bucket; its bytes have the hash in sha256. Absent where ' +
    'the record is longer than the feed takes.',
  attempts: 'Requests that were made for the record before it became a dead letter.',
  request_id: 'X-Request-ID of those requests; null where the record never got as far as having one.',
  sha256: "SHA-256 of the record's bytes as they stood in the file, lower-case hex.",
  offset: "Bytes from the file's start to the record's first byte (decompressed, where the file is gzipped).",
  length: 'Bytes of the record.',
  batch: 'Number of the batch that it was in.',
  file_id: 'The file, as every command of sluice names it.',
  letter_id: 'The one letter that stands for this record: another one is surplus.',
};

/** The dead letter's format as a JSON Schema (2020-12); docs/schemas/ has it as a file. */
export function deadLetterSchema(): string {
  const { properties = {}, ...rest } = z.toJSONSchema(letter, { io: 'output' });
  const described = Object.entries(properties).map(([name, property]) => [
    name,
    { description: descriptions[name as keyof Letter], ...(property as object) },
  ]);
  const schema = {
    title: 'Dead letter, version 1',
    description: 'A message in the DLQ of a feed: one record that failed. JSON, indented.',
    ...rest,
    // Readers must accept fields that a later version adds.
    additionalProperties: true,
    properties: Object.fromEntries(described) as object,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
