import type { ManifestControl } from '../account/manifest.ts';

/** What came of a file's control file, as a sentence. */
export function controlText({ name, kind, result, missing, extra }: ManifestControl): string {
  switch (result) {
    case 'agrees':
      return `It agrees with its control file ${name} (${kind}).`;
    case 'differs': {
      const count = (figure: number): string => figure.toLocaleString('en-US');
      const values = kind === 'rows' && missing + extra > 0 ? `: ${count(missing)} missing, ${count(extra)} extra` : '';
      return `It differs from its control file ${name} (${kind})${values}.`;
    }
    case 'not_compared':
      return `It was not compared with its control file ${name} (${kind}).`;
  }
}
