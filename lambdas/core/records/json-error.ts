/** White space, then one token: the alternatives are tried in order. */
const token =
  // eslint-disable-next-line no-control-regex -- JSON forbids them in strings
  /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9.a-zA-Z])|(?:true|false|null)(?![0-9a-zA-Z])))/y;

/** Finds where a text that JSON.parse refuses stops being JSON, without quoting any of it. Characters count from 1. */
export function findJsonError(text: string): string {
  const open: string[] = [];
  // What may come next: a value, a member's name, a colon, a comma or closing bracket, nothing.
  let expected: 'value' | 'value-or-end' | 'name' | 'name-or-end' | 'colon' | 'comma' | 'nothing' = 'value';
  token.lastIndex = 0;
  for (;;) {
    const from = token.lastIndex;
    const match = token.exec(text);
    if (!match) return whereFrom(text, from);
    const [all, mark, string] = match;
    const at = token.lastIndex - all.replace(/^[ \t\n\r]+/, '').length;
    const kind = mark ?? (string === undefined ? 'scalar' : 'string');
    const opens = kind === '{' || kind === '[';
    const isValue = opens || kind === 'scalar' || kind === 'string';
    const isClosing = kind === (open.at(-1) === '{' ? '}' : ']') && open.length > 0;

    if ((expected === 'value' || expected === 'value-or-end') && isValue) {
      if (opens) open.push(kind);
      expected = kind === '{' ? 'name-or-end' : kind === '[' ? 'value-or-end' : afterValue(open);
    } else if ((expected === 'name' || expected === 'name-or-end') && kind === 'string') expected = 'colon';
    else if (expected === 'colon' && kind === ':') expected = 'value';
    else if (expected === 'comma' && kind === ',') expected = open.at(-1) === '{' ? 'name' : 'value';
    else if (isClosing && (expected === 'comma' || expected.endsWith('-or-end'))) {
      open.pop();
      expected = afterValue(open);
    } else return `something unexpected at character ${at + 1}`;
  }
}

function afterValue(open: string[]): 'comma' | 'nothing' {
  return open.length > 0 ? 'comma' : 'nothing';
}

function whereFrom(text: string, from: number): string {
  const rest = text.slice(from);
  const blanks = rest.length - rest.replace(/^[ \t\n\r]+/, '').length;
  return blanks === rest.length ? 'it ends too early' : `something unexpected at character ${from + blanks + 1}`;
}
