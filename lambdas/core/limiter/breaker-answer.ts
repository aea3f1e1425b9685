import { Buffer } from 'node:buffer';

/** What an API answered, as the breaker keeps it. */
export interface BreakerAnswer {
  /** Null if there was no HTTP answer. */
  status: number | null;
  /** The answer's text without secrets, or why there was none. */
  text: string;
}

/** The limiter's item stays below 1 KB, since each lease writes it. Bytes of UTF-8. */
const maxAnswerBytes = 120;

/** In the limiter's item. */
export interface AnswerAttributes {
  answerStatus?: number;
  answer?: string;
}

/** The attributes that hold it. */
export function answerAttributes(answer: BreakerAnswer | undefined): AnswerAttributes {
  if (!answer) return {};
  return { ...(answer.status === null ? {} : { answerStatus: answer.status }), answer: excerptOf(answer.text) };
}

/** The attributes that do not: an earlier answer's. */
export function absentAnswerNames(answer: BreakerAnswer | undefined): (keyof AnswerAttributes)[] {
  const held = answerAttributes(answer);
  return (['answerStatus', 'answer'] as const).filter((name) => held[name] === undefined);
}

/** The beginning of the text, in whole characters. */
function excerptOf(text: string): string {
  if (Buffer.byteLength(text) <= maxAnswerBytes) return text;
  const mark = '…';
  let bytes = Buffer.byteLength(mark);
  let excerpt = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxAnswerBytes) break;
    excerpt += character;
  }
  return excerpt + mark;
}
