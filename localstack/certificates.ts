import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key, as PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A new certificate authority, valid for a day. */
export function createIssuer(name: string): Certificate {
  return selfSigned(name, 'basicConstraints=critical,CA:TRUE');
}

/**
 * A certificate for a server with that name or address: valid for a day, or expired yesterday. It is self-signed if there
 * is no issuer.
 */
export function createCertificate(host: string, issuer?: Certificate, isExpired = false): Certificate {
  const alternativeName = `subjectAltName=${isIP(host) ? 'IP' : 'DNS'}:${host}`;
  const name = `server ${host}`;
  if (!issuer) return selfSigned(name, alternativeName);
  const directory = mkdtempSync(join(tmpdir(), 'sluice-certificate-'));
  const fileOf = (fileName: string, text: string): string => {
    const path = join(directory, fileName);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  try {
    const [key = '', request = ''] = openssl('req', '-new', ...newKey, '-subj', `/CN=${name}`);
    const signer = ['-CA', fileOf('issuer.pem', issuer.cert), '-CAkey', fileOf('issuer-key.pem', issuer.key)];
    const extensions = ['-extfile', fileOf('extensions', alternativeName)];
    const days = ['-days', isExpired ? '-1' : '1', '-set_serial', `${Date.now()}`];
    const [cert = ''] = openssl(
      'x509',
      '-req',
      '-in',
      fileOf('request.pem', request),
      ...signer,
      ...extensions,
      ...days,
    );
    return { cert, key };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function selfSigned(name: string, extension: string): Certificate {
  const [key = '', cert = ''] = openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    `/CN=${name}`,
    '-addext',
    extension,
    '-days',
    '1',
  );
  return { cert, key };
}

/** The PEM blocks that openssl prints. @throws if openssl is missing or refuses */
function openssl(command: string, ...args: string[]): string[] {
  const output = command === 'req' ? ['-keyout', '-', '-out', '-'] : [];
  const text = execFileSync('openssl', [command, ...args, ...output], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n/g) ?? [];
}
