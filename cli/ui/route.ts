import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { readBody } from './answer.ts';

/** A request of the page's own session, and the answer to it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
}

export interface Route {
  method: 'GET' | 'POST';
  /** The media type that a POST must have; JSON if it is not set. */
  type?: 'text/csv';
  /** Throws a RouteRefusal for what it does not do. */
  run: (exchange: Exchange) => Promise<void>;
}

/** Routes by path. */
export type Routes = Readonly<Record<string, Route>>;

/** Why a request is not carried out: answered with this status, and shown on the page. */
export class RouteRefusal extends Error {
  readonly status: number;

  constructor(status: 400 | 401 | 404 | 409 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

/** The page sends a few words; one row of a file, of at most 64 KiB, is the longest. Bytes. */
const maxWishBytes = 512 * 1024;

/**
 * The request's JSON.
 * @param expected what it must be, for the refusal
 * @throws RouteRefusal if it is too long or something else
 */
export async function readWish<T>(
  request: IncomingMessage,
  schema: z.ZodType<T>,
  expected: string,
  maxBytes = maxWishBytes,
): Promise<T> {
  const body = await readBody(request, maxBytes);
  if (body === undefined) throw new RouteRefusal(413, 'The request is too long.');
  const wish = schema.safeParse(jsonOf(body.toString('utf8')));
  if (wish.success) return wish.data;
  throw new RouteRefusal(400, expected);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
