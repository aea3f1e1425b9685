import ts from 'typescript';

/** Words and phrases that make a reader read twice, and what to write instead. */
export const phrases: readonly [RegExp, string][] = [
  [/\btold\b/, 'reported, notified, recognised, distinguished'],
  [/\btells\b/, 'says, shows, reports'],
  [/\bsomebody\b/, 'a person, someone; "needs attention"'],
  [/\bwhoever\b/, 'the person who, anyone who'],
  [/\bnobody\b/, 'no one; or name who: "no consumer"'],
  [/\bunder way\b/, 'in progress'],
  [/\bwork(s|ed|ing)? off\b/, 'consume'],
  [/\blook(s|ed|ing)? into\b/, 'inspect'],
  [/\b(come|comes|came|coming) to rest\b/, 'is resolved, ended'],
  [/\b(come|comes|came|coming) to an end\b/, 'ends, finished'],
  [/\b(is|are|be|was|were) had\b/, 'is available, exists'],
  [/\banew\b/, 'again'],
  [/\bby and by\b/, 'gradually'],
  [/\bin vain\b/, 'for nothing, without effect'],
  [/\bturn(s|ed)? down\b/, 'refuse, reject'],
  [/\bsays? not\b/, 'does not say'],
  [/\bgoes? by\b/, 'uses, follows'],
  [/\bof one[’']s own\b/, 'your own, its own'],
  [/\bwithout a word\b/, 'silently'],
  [/\b(stands?|stood) (in|there|behind|before|between|beside|still|where)\b/, 'is'],
  [/\b(lies?|lay) (in|there|behind|before|between|beside|below)\b/, 'is'],
  [/\bno more than by\b/, 'at most'],
  [/\bhanded in\b/, 'sent, reingested'],
  // One spelling each, as the glossary has it.
  [/\bcircuit breaker\b/i, 'breaker'],
  [/\btime-outs?\b/i, 'timeout'],
  [/\bmark-up\b/i, 'markup'],
  [/\be-mails?\b/i, 'email'],
  [/\bre-drive/i, 'redrive'],
  [/\bdeadletters?\b/i, 'dead letter'],
  [/\bcheck-point/i, 'checkpoint'],
];

/** The faults of a text, as "line: phrase → what to write". */
export function faultsOf(text: string): string[] {
  return text.split('\n').flatMap((line, index) =>
    phrases.flatMap(([pattern, instead]) => {
      const found = pattern.exec(line);
      return found ? [`${index + 1}: "${found[0]}" → ${instead} | ${line.trim().slice(0, 100)}`] : [];
    }),
  );
}

/** Blanks everything in a program's text that isn't wanted, so that lines stay where they are. */
function keep(text: string, spans: readonly (readonly [number, number])[]): string {
  const blank = text.replaceAll(/[^\n]/g, ' ');
  let kept = '';
  for (const [from, to] of [...spans].sort(([a], [b]) => a - b)) {
    kept += blank.slice(kept.length, from) + text.slice(from, to);
  }
  return kept + blank.slice(kept.length);
}

/** A program's strings, without what is put into templates. A single word is a name. */
export function stringsOf(path: string, text: string): string {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const spans: [number, number][] = [];
  const visit = (node: ts.Node): void => {
    const isPart = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (isPart && !ts.isImportDeclaration(node.parent) && node.text.includes(' '))
      spans.push([node.getStart(source), node.end]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return keep(text, spans);
}

/** A program's comments. */
export function commentsOf(path: string, text: string): string {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const spans = new Map<number, number>();
  const visit = (node: ts.Node): void => {
    for (const { pos, end } of ts.getLeadingCommentRanges(text, node.pos) ?? []) spans.set(pos, end);
    for (const { pos, end } of ts.getTrailingCommentRanges(text, node.end) ?? []) spans.set(pos, end);
    node.getChildren(source).forEach(visit);
  };
  visit(source);
  return keep(text, [...spans]);
}

/** The titles of a test file's tests and suites, without what is put into templates. */
export function titlesOf(path: string, text: string): string {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const spans: [number, number][] = [];
  const visit = (node: ts.Node): void => {
    const title = ts.isCallExpression(node) ? node.arguments[0] : undefined;
    if (ts.isCallExpression(node) && title && /^(describe|it|test)\b/.test(node.expression.getText(source))) {
      if (ts.isStringLiteralLike(title)) spans.push([title.getStart(source), title.end]);
      else if (ts.isTemplateExpression(title))
        for (const part of [title.head, ...title.templateSpans.map((span) => span.literal)])
          spans.push([part.getStart(source), part.end]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return keep(text, spans);
}
