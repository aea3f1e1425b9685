import { gunzipSync, gzipSync } from 'node:zlib';

/** Numbers that look random and are the same for the same seed (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 to `sides` − 1. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.roll(choices.length)] as T;
  }
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Values that parsers of different languages like to see differently. */
const oddities: Json[] = [
  ...[null, true, false, 0, 1, 2, -1, 1.5, 1e21, 2 ** 53, 2 ** 53 - 1, '', 'x', '0', 'A'.repeat(64), 'a'.repeat(64)],
  ...['../x', 'traffic/2026/01/05/file1/source/..', '２', '\ud800', '2026-02-30T00:00:00.000Z', '2026-01-05T06:00:00Z'],
  ...['2026-01-05T24:00:00.000Z', '0000-01-05T06:00:00.000Z', [], {}, [1], { record: 1 }],
];

/** Changes one value somewhere in a document, or takes one away, or adds one. */
export function mutateValue(document: Json, dice: Dice): Json {
  const places: { holder: Record<string, Json>; name: string }[] = [];
  const look = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      places.push({ holder: value as Record<string, Json>, name });
      look(inner);
    }
  };
  look(document);
  const { holder, name } = dice.pick(places);
  const value = holder[name] as Json;
  const other = dice.pick(places);
  const changes: (() => Json | undefined)[] = [
    () => dice.pick(oddities),
    () => dice.pick(oddities),
    () => other.holder[other.name],
    () => (typeof value === 'number' ? value + dice.pick([1, -1, 0.5]) : dice.pick(oddities)),
    () => (typeof value === 'string' ? value.toUpperCase() : dice.pick(oddities)),
    () => (Array.isArray(value) ? [...value, ...value] : [value]),
    () => (Array.isArray(value) ? value.toReversed() : { value }),
    () => undefined,
  ];
  const changed = dice.pick(changes)();
  if (changed === undefined) {
    if (Array.isArray(holder)) holder.splice(Number(name), 1);
    else Reflect.deleteProperty(holder, name);
  } else holder[name] = structuredClone(changed);
  if (dice.roll(12) === 0) {
    Object.defineProperty(holder, dice.pick(['extra', '__proto__', 'constructor', 'Manifest_version']), {
      value: dice.pick(oddities),
      enumerable: true,
      configurable: true,
    });
  }
  return document;
}

/** Writes a document differently: some results mean the same, some are not JSON. */
export function mutateText(text: string, dice: Dice): Buffer {
  const at = dice.roll(text.length);
  const numbers = [...text.matchAll(/(?<=[:[,])-?\d+(?=[,}\]])/g)];
  const { 0: number = '1', index = 0 } = numbers.length === 0 ? {} : dice.pick(numbers);
  const withNumber = (written: string): string => text.slice(0, index) + written + text.slice(index + number.length);
  const names = [...text.matchAll(/"[a-z_0-9]+":/g)];
  const { 0: name = '"a":', index: nameAt = 1 } = names.length === 0 ? {} : dice.pick(names);
  const before = (added: string): string => text.slice(0, nameAt) + added + text.slice(nameAt);
  const changes: (() => string | Buffer)[] = [
    ...['.0', 'e0', 'E+0', '.5', '0'].map((tail) => () => withNumber(number + tail)),
    ...[`-${number}`, `0${number}`, `+${number}`, '-0', '1e400', 'NaN', 'Infinity', '9007199254740993'].map(
      (written) => () => withNumber(written),
    ),
    () => withNumber('9'.repeat(5_000)),
    () => withNumber('[['.repeat(60) + ']]'.repeat(60)),
    () => withNumber('['.repeat(30_000) + ']'.repeat(30_000)),
    () => before(`${name}1,`),
    () =>
      before(
        `${name.replace('"', '"\\u').replace(/\\u(.)/, (_, letter: string) => `\\u00${letter.charCodeAt(0).toString(16)}`)}0,`,
      ),
    () => before('"__proto__":{"a":1},'),
    () => before('"extra":"\\ud800",'),
    () => before('/* */'),
    () => before("'a':1,"),
    () => before('\n\t '),
    () => before('\u00a0'),
    () => before('\ufeff'),
    () => `\ufeff${text}`,
    () => `${text}x`,
    () => `${text}\n\n`,
    () => ` ${text}`,
    () => text.replace(/([}\]])/, ',$1'),
    () => text.slice(0, at),
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, at) + String.fromCharCode(dice.roll(128)) + text.slice(at + 1),
    () =>
      Buffer.concat([
        Buffer.from(text.slice(0, at)),
        Buffer.from([dice.pick([0x80, 0xff, 0xc0, 0xed])]),
        Buffer.from(text.slice(at)),
      ]),
    () => Buffer.from(text, 'utf16le'),
    () => '',
  ];
  return Buffer.from(dice.pick(changes)() as string);
}

/** The content of a gzip, a line break behind it aside. */
export function unpacked(gzip: Buffer): Buffer {
  return gunzipSync(gzip.at(-1) === 10 && gzip.at(-2) === 13 ? gzip.subarray(0, -2) : gzip);
}

/** Packs and breaks a gzip in other ways. */
export function mutateGzip(gzip: Buffer, dice: Dice): Buffer {
  const plain = unpacked(gzip);
  const middle = dice.roll(plain.length);
  const named = Buffer.concat([
    gzip.subarray(0, 3),
    Buffer.from([8]),
    gzip.subarray(4, 10),
    Buffer.from('a\0'),
    gzip.subarray(10),
  ]);
  const changes: (() => Buffer)[] = [
    () => Buffer.concat([gzipSync(plain.subarray(0, middle)), gzipSync(plain.subarray(middle))]),
    () => Buffer.concat([gzip, gzipSync('')]),
    () => Buffer.concat([gzipSync(''), gzip]),
    () => Buffer.concat([gzip, Buffer.alloc(1 + dice.roll(600))]),
    () => Buffer.concat([gzip, Buffer.alloc(3), gzip]),
    () => Buffer.concat([gzip, Buffer.from([dice.roll(256)])]),
    () => Buffer.concat([gzip, Buffer.from('\n')]),
    () => Buffer.concat([gzip, gzip.subarray(0, dice.roll(gzip.length))]),
    () => gzip.subarray(0, dice.roll(gzip.length)),
    () => named,
    () => Buffer.concat([named.subarray(0, 3), Buffer.from([dice.roll(256)]), named.subarray(4)]),
    () => gzip.map((byte, n) => (n === middle % gzip.length ? byte ^ (1 << dice.roll(8)) : byte)) as Buffer,
    () => Buffer.from(plain),
    () => Buffer.alloc(0),
    () => gzipSync(plain, { level: 0 }),
  ];
  return Buffer.from(dice.pick(changes)());
}

/** Lines as a whole: left out, twice, in another order, with other ends. */
export function mutateLines(text: string, dice: Dice): string {
  const lines = text.split('\n').slice(0, -1);
  const [one, other] = [dice.roll(lines.length), dice.roll(lines.length)];
  const changes: (() => string)[] = [
    () =>
      lines
        .toSpliced(one, 1)
        .map((line) => `${line}\n`)
        .join(''),
    () =>
      lines
        .toSpliced(one, 0, lines[other] ?? '')
        .map((line) => `${line}\n`)
        .join(''),
    () =>
      lines
        .with(one, lines[other] ?? '')
        .with(other, lines[one] ?? '')
        .map((line) => `${line}\n`)
        .join(''),
    () => lines.join('\n'),
    () => lines.map((line) => `${line}\r\n`).join(''),
    () => `${text}\n`,
    () => `\n${text}`,
    () => text.replace('\n', '\u2028\n'),
    () => '',
  ];
  return dice.pick(changes)();
}
