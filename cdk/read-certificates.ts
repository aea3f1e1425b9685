import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SettingsError } from './settings-error.ts';

const blocks = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

/** More than any company's own roots. A system's whole store of certificates is not meant. */
const maxCertificates = 20;

/**
 * A file's certificates as PEM, without the text between them.
 * @param setting names the setting in the sentences
 * @throws SettingsError where there is no such file, or it is not what it should be
 */
export function readCertificates(path: string, setting: string, nowMs: number): string {
  const fault = (what: string): SettingsError => new SettingsError([`${setting} is '${path}', ${what}`]);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw fault('which cannot be read; it must be the path of a PEM file.');
  }
  const found = [...text.matchAll(blocks)];
  if (found.some(([, what]) => what?.includes('PRIVATE KEY'))) {
    throw fault(
      'which contains a private key; it must contain only certificates, since it is deployed with the function.',
    );
  }
  const certificates = found.filter(([, what]) => what === 'CERTIFICATE').map(([block]) => block);
  if (certificates.length === 0 || certificates.length > maxCertificates) {
    throw fault(`which contains ${certificates.length} certificates; it must contain 1 to ${maxCertificates}, as PEM.`);
  }
  for (const [index, certificate] of certificates.entries()) {
    const expired = validToOf(certificate, () => fault(`whose certificate ${index + 1} cannot be read.`));
    if (expired.getTime() < nowMs) {
      throw fault(`whose certificate ${index + 1} expired on ${expired.toISOString().slice(0, 10)}.`);
    }
  }
  return `${certificates.join('\n')}\n`;
}

function validToOf(certificate: string, fault: () => SettingsError): Date {
  try {
    return new X509Certificate(certificate).validToDate;
  } catch {
    throw fault();
  }
}
