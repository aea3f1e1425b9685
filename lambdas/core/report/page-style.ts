/** The page's only style sheet; it fetches nothing. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --tint: #f3f5f7; --line: #d5dae0;
  --good: #11633a; --good-tint: #e3f4ea; --attention: #7a4a00; --attention-tint: #fdf1da; --bad: #9b1c1c; --bad-tint: #fde8e8; --bar: #2f6feb; --limit: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --soft: #a5adb8; --paper: #14171b; --tint: #1d2127; --line: #343b44;
  --good: #7fdaa6; --good-tint: #12301f; --attention: #f2c063; --attention-tint: #34270d; --bad: #ff9c94; --bad-tint: #3a1616; --bar: #6ea0ff; --limit: #ff8f86; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2rem; }
.feed { margin: 0; color: var(--soft); }
h1 { margin: .1rem 0 1rem; font-size: 1.35rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.4rem 0 .6rem; font-size: 1.15rem; }
h3 { margin: 1.2rem 0 .3rem; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; }
.verdict { display: flex; gap: 1rem; align-items: flex-start; padding: 1.1rem 1.3rem; border-radius: .6rem; border: 1px solid; }
.verdict .sign { flex: none; width: 2.4rem; height: 2.4rem; border-radius: 50%; display: grid; place-items: center; font-size: 1.4rem; font-weight: 700; border: 2px solid; }
.verdict .sentence { margin: 0; font-size: 1.35rem; line-height: 1.35; font-weight: 600; overflow-wrap: anywhere; }
.verdict p + p { color: var(--ink); }
.good { color: var(--good); background: var(--good-tint); } .attention { color: var(--attention); background: var(--attention-tint); } .bad { color: var(--bad); background: var(--bad-tint); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .2rem 0 .5rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
.figure { text-align: right; white-space: nowrap; }
.sum { max-width: 44rem; } .sum tbody th { font-weight: 400; white-space: nowrap; } .sum td:last-child { color: var(--soft); }
.sum .none { color: var(--soft); } .sum tfoot th, .sum tfoot td { border-top: 2px solid var(--ink); border-bottom: 0; font-weight: 700; }
figure { margin: 0; } .chart { display: grid; grid-template-columns: max-content 1fr; gap: .3rem .6rem; } .chart svg { width: 100%; height: 12rem; display: block; overflow: visible; }
.axis { display: flex; flex-direction: column; justify-content: space-between; margin-block: -.4rem; text-align: right; } .hours { grid-column: 2; display: flex; justify-content: space-between; } .axis, .hours { color: var(--soft); font-size: .8rem; line-height: 1; }
.bar { fill: var(--bar); } .pause { fill: var(--attention); opacity: .18; } .retry { fill: var(--attention); } .grid { stroke: var(--line); vector-effect: non-scaling-stroke; }
.limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 6 4; vector-effect: non-scaling-stroke; }
.legend span { display: inline-block; margin-right: 1.2rem; } .key { display: inline-block; width: .8rem; height: .8rem; vertical-align: -1px; border-radius: 2px; }
.key.bar { background: var(--bar); } .key.pause { background: var(--attention); opacity: .35; } .key.retry { background: var(--attention); } .key.limit { height: 0; border-top: 2px dashed var(--limit); vertical-align: 3px; } .filtered { display: none; }
.note, .legend, figcaption { color: var(--soft); font-size: .9rem; }
code, .raw { font: .86em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate; }
.examples { margin: .3rem 0; padding-left: 1.2rem; } .examples .raw { display: block; color: var(--soft); }
.state { display: inline-block; padding: 0 .5rem; border-radius: 1rem; border: 1px solid; font-size: .86rem; white-space: nowrap; }
.controls { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; margin: .4rem 0 .8rem; } .controls label { display: grid; font-size: .9rem; color: var(--soft); }
input, select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .35rem; padding: .3rem .5rem; }
thead button { all: unset; cursor: pointer; font-weight: 600; } thead button::after { content: " ↕"; opacity: .5; } [aria-sort=ascending] button::after { content: " ↑"; opacity: 1; } [aria-sort=descending] button::after { content: " ↓"; opacity: 1; }
:focus-visible, thead button:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
.wide { overflow-x: auto; } .letters td { font-size: .92rem; } .letters .raw { min-width: 16rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.2rem; margin: 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--soft); }
footer { padding-bottom: 3rem; color: var(--soft); font-size: .9rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } .sum td:last-child, .sum thead th:last-child { display: none; } }
@media print { .filtered:not([hidden]) { display: block; font-weight: 600; } :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff; --line: #bbb; } body { font-size: 10.5pt; } .controls, details, thead button::after { display: none; }
  .wide { overflow: visible; } .wide th, .wide td { overflow-wrap: anywhere; white-space: normal; } .wide td.raw { min-width: 0; white-space: pre-wrap; }
  .changes { table-layout: fixed; } .changes th:nth-child(-n+3) { width: 18%; } .changes thead th:first-child { width: 14%; }
  tr, .changes tbody, figure, .verdict { break-inside: avoid; } thead { display: table-header-group; } h2 { break-after: avoid; } .verdict, .bar, .pause, .retry, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;
