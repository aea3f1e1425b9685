import type { AnswerDeclaration, RegisteredFeed } from './feed.ts';

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;

/** The faults of a declaration that its types can't catch, a sentence each. Names are checked by the settings. */
export function feedFaults(feed: RegisteredFeed): string[] {
  return [...factFaults(feed), ...optionFaults(feed)].map((fault) => `The feed '${feed.name}': ${fault}`);
}

function* factFaults(feed: RegisteredFeed): Generator<string> {
  const { formats, columns, sink, limits, toleratedRejects, maxRecordBytes } = feed;
  if (new Set(formats).size < formats.length) yield `formats names ${formats.join(', ')}; each may occur only once.`;
  if (formats.includes('csv') && columns.length === 0) {
    yield 'formats has csv, so columns must name the required columns of a header.';
  }
  if (feed.preamble && !formats.includes('csv')) {
    yield 'preamble is about the lines before a CSV header, so formats must name csv.';
  }
  if (feed.recordsIn !== undefined && !formats.includes('json-array')) {
    yield 'recordsIn names an array within a JSON object, so formats must name json-array.';
  }
  if (feed.smallFiles && !formats.includes('json-document')) {
    yield 'smallFiles takes files of one record each, so formats must name json-document.';
  }
  if (sink.path !== undefined && !sink.path.startsWith('/')) yield `sink.path is '${sink.path}'; it must begin with /.`;
  yield* answerFaults(sink.answers ?? {});
  for (const [name, value] of Object.entries({
    maxRecordBytes,
    'limits.requests': limits.requests,
    'limits.connections': limits.connections,
    archiveRetentionDays: feed.archiveRetentionDays,
    'toleratedRejects.afterRecords': toleratedRejects.afterRecords,
  })) {
    if (!isCount(value)) yield `${name} is ${value}; it must be a whole number, 1 or more.`;
  }
  if (!(limits.windowSeconds > 0)) yield `limits.windowSeconds is ${limits.windowSeconds}; it must be above 0.`;
  if (!(toleratedRejects.share >= 0 && toleratedRejects.share <= 1)) {
    yield `toleratedRejects.share is ${toleratedRejects.share}; it must be from 0 to 1.`;
  }
}

function* answerFaults({ success, conflict, inProgress, seenBefore }: AnswerDeclaration): Generator<string> {
  for (const status of success?.statuses ?? []) {
    if (!(Number.isInteger(status) && status >= 200 && status <= 299)) {
      yield `sink.answers.success.statuses has ${status}; each must be from 200 to 299.`;
    }
  }
  for (const type of success?.contentTypes ?? []) {
    if (!/^[!-.0-:<-~]+\/[!-.0-:<-~]+$/.test(type)) {
      yield `sink.answers.success.contentTypes has '${type}'; it must be a media type without parameters.`;
    }
  }
  const marks = Object.entries({ conflict, inProgress, seenBefore }).flatMap(([name, list = []]) =>
    list.map((mark) => [name, mark] as const),
  );
  const field = success?.field;
  for (const [name, mark] of field ? [...marks, ['success.field', field] as const] : marks) {
    if ('text' in mark && mark.text.trim() === '') yield `sink.answers.${name} has a text that is blank.`;
    if (!('pointer' in mark)) continue;
    if (mark.pointer !== '' && !mark.pointer.startsWith('/')) {
      yield `sink.answers.${name} has the pointer '${mark.pointer}'; it must be empty or begin with /.`;
    }
    if (mark.is.length === 0) yield `sink.answers.${name} has no value for ${mark.pointer}.`;
  }
}

function* optionFaults({ options, open }: RegisteredFeed): Generator<string> {
  for (const name of Object.keys(options.shape)) {
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) yield `options.${name} must be in camel case: a variable is named after it.`;
  }
  const result = options.safeParse({});
  if (!result.success) {
    const names = result.error.issues.map((issue) => issue.path.join('.')).join(', ');
    yield `options must each have a default or be optional; without one: ${names}.`;
    return;
  }
  try {
    open(result.data);
  } catch (error) {
    yield `its schema can't be made from the options' defaults: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
