import { clockText } from '../deadlines/deadline-text.ts';
import { fileDecisionText } from '../account/decision-text.ts';
import type { Manifest } from '../account/manifest.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';
import { count } from './verdict.ts';

/** Who, what and when, for a reader in a year's time. */
export function auditSection(manifest: Manifest, timeZone: string | undefined): Html {
  const { source, archive, proof, signature, times } = manifest;
  const file = archive.manifest_key.slice(archive.manifest_key.lastIndexOf('/') + 1);
  const time = (at: string | null): Html | string => {
    if (at === null) return '–';
    const local = timeZone === undefined ? '' : ` (${clockText(Date.parse(at), timeZone, 0)} ${timeZone})`;
    return html`<time datetime="${at}">${at.replace('T', ' ').replace('Z', ' UTC')}</time>${local}`;
  };
  const facts: [string, Html | string | undefined][] = [
    ['File', html`<code>${manifest.file_id}</code>, manifest ${count(manifest.manifest_number)}`],
    ['Dropped as', html`<code>s3://${source.bucket}/${source.key}</code>`],
    ['Its version', source.version_id === null ? undefined : html`<code>${source.version_id}</code>`],
    ['Size', `${count(manifest.bytes)} bytes${manifest.format === null ? '' : `, ${manifest.format}`}`],
    ['SHA-256 of the file', html`<code>${manifest.checksum ?? 'it could not be read'}</code>`],
    ['Merkle root of the records', proof ? html`<code>${proof.records_root}</code>` : undefined],
    ['Merkle root of the receipts', proof ? html`<code>${proof.receipts_root}</code>` : undefined],
    ['Signed by', signature ? html`<code>${signature.key_arn}</code>` : 'not signed: the stack has no signing key'],
    ['Received', time(times.received)],
    ['Cut into batches', time(times.split)],
    ['First record accepted', time(times.first_upload)],
    ['Last record accepted', time(times.last_upload)],
    ['Account closed', time(times.completed)],
    ...decisionsIn(manifest).map(({ at, text }): [string, Html] => ['Decided', html`${text}, ${time(at)}`]),
    ['Archive', html`<code>s3://${archive.bucket}/</code>`],
    ['– source', keyOf(archive.source_key, 'the source was gone')],
    ['– receipts', keyOf(archive.receipts_key, 'none')],
    ['– dead letters', keyOf(archive.dead_letters_key, 'none')],
    ['– their resolutions', archive.resolutions_key === null ? undefined : keyOf(archive.resolutions_key, '')],
    ['– control file', manifest.control && keyOf(manifest.control.control_key, 'none')],
    [
      '– what differs',
      manifest.control?.differences_key == null ? undefined : keyOf(manifest.control.differences_key, ''),
    ],
    ['– what it changes', manifest.comparison && keyOf(manifest.comparison.changes_key, 'none')],
    ['– manifest', keyOf(archive.manifest_key, '')],
    ['How to verify', html`<code>sluice verify ${file}</code>, in a copy of that folder`],
    ...manifest.warnings.map(({ message }): [string, string] => ['Warning', message]),
  ];
  return html`<section aria-labelledby="audit">
    <h2 id="audit">For the audit</h2>
    <dl>
      ${facts.map(([name, value]) =>
        value === undefined
          ? undefined
          : html`<dt>${name}</dt>
              <dd>${value}</dd>`,
      )}
    </dl>
  </section>`;
}

/** About the file: what people decided about its feed is in the manifest. */
function decisionsIn({ decisions = [] }: Manifest): { at: string; text: string }[] {
  return decisions.flatMap((decision) => {
    const text = fileDecisionText(decision);
    return text === undefined ? [] : [{ at: decision.at, text }];
  });
}

const keyOf = (key: string | null, otherwise: string): Html | string =>
  key === null ? otherwise : html`<code>${key}</code>`;
