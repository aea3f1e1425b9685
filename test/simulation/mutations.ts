/**
 * A defect that the simulated nights must find: a text in a file of the functions, and what replaces it. The
 * text occurs once.
 */
export interface Mutation {
  name: string;
  file: string;
  from: string;
  to: string;
}

const splitter = 'lambdas/splitter';
const series = 'lambdas/core/series';

/** Guards of the protocol of revisions. One of the 4,000 nights of `npm test` fails without each of them. */
export const mutations: readonly Mutation[] = [
  {
    name: 'a fault while taking over is ignored',
    file: `${splitter}/judge-revision.ts`,
    from: 'await takeOver(place, bases, ports)',
    to: 'await takeOver(place, bases, ports).catch(() => undefined)',
  },
  {
    name: 'nothing is taken over',
    file: `${splitter}/take-over.ts`,
    from: 'const closed = await ledger.supersedeFile(each.fileId, fileId);',
    to: 'return undefined; const closed = await ledger.supersedeFile(each.fileId, fileId);',
  },
  {
    name: 'dead letters of the earlier revision stay open',
    file: `${splitter}/take-over.ts`,
    from: "if (dead.state !== 'dead') continue;",
    to: 'continue;',
  },
  {
    name: 'a revision that has only failed counts as not sent',
    file: `${series}/earlier-revisions.ts`,
    from: ' + settled.refused + settled.exhausted',
    to: '',
  },
  {
    name: 'a late older revision is sent',
    file: `${series}/earlier-revisions.ts`,
    from: "case 'older': {",
    to: "case 'older': if (before) return { kind: 'newer', before }; else {",
  },
  {
    name: 'the file id is not part of request ids',
    file: 'lambdas/core/records/identity.ts',
    from: 'return file.idsHaveFileId ? [file.sha256, file.fileId] : [file.sha256];',
    to: 'return [file.sha256];',
  },
  {
    name: 'an unchanged record was sent in the file that has it',
    file: `${splitter}/read-base.ts`,
    from: "outcome === 'unchanged' ? (earlier_checksums?.[0] ?? undefined) : undefined",
    to: 'undefined',
  },
  {
    name: 'every earlier revision says for certain what the API has',
    file: `${series}/revision-plan.ts`,
    from: 'known.slice(0, certainBases(known))',
    to: 'known',
  },
  {
    name: 'of a stopped revision, what it has not sent is not known from the one before',
    file: `${series}/revision.ts`,
    from: 'return whole < 0 ? bases.length : whole + 1;',
    to: 'return whole === -2 ? whole : 1;',
  },
  {
    name: 'a record that a person may have removed is superseded without an alternative',
    file: `${series}/revision-plan.ts`,
    from: 'mayBeRemoved ? [...earlier, null] : earlier',
    to: 'earlier',
  },
  {
    name: 'every known record is unchanged',
    file: `${series}/known-records.ts`,
    from: 'if ((flags & isUncertain) !== 0) return false;',
    to: 'return true;',
  },
];
