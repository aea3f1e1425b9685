const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * How the numbers of an object's own fields are written: `30.0` and `3e1` are both 30 once they are parsed.
 *
 * JSON.parse tells a number's source to its reviver from Node 22 on; this works on any, and touches only what it must.
 * @param text a JSON object, known to be valid
 */
export function numberLiterals(text: string, fields: readonly string[]): Map<string, string> {
  const literals = new Map<string, string>();
  // A record may have thousands.
  const wanted = new Set(fields);
  let depth = 0;
  let key: string | undefined;
  let isKeyNext = false;
  for (const [piece] of text.matchAll(token)) {
    if (piece === '{' || piece === '[') isKeyNext = ++depth === 1;
    else if (piece === '}' || piece === ']') depth--;
    else if (depth !== 1) continue;
    else if (piece === ',') isKeyNext = true;
    else if (piece === ':') isKeyNext = false;
    // A key may be written with escapes.
    else if (isKeyNext) key = JSON.parse(piece) as string;
    // Of a key that stands twice the last counts, as it does for JSON.parse.
    else if (key !== undefined && wanted.has(key)) setNumber(literals, key, piece);
  }
  return literals;
}

function setNumber(literals: Map<string, string>, key: string, piece: string): void {
  if (/^[-0-9]/.test(piece)) literals.set(key, piece);
  else literals.delete(key);
}
