import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Certificate } from './certificates.ts';
import { createCertificate, createIssuer } from './certificates.ts';

/** Settings with which MiniStack evaluates IAM for every call, each function under its own role. */
export interface Enforcement {
  /** For MiniStack, which passes them to the functions. */
  variables: Record<string, string>;
  /** PEM: the authority of the certificates below. */
  ca: string;
  /** The same in a file, for NODE_EXTRA_CA_CERTS of other processes. */
  caFile: string;
  certificateFor: (host: string) => Certificate;
  /** The decisions about calls under a role, one line of JSON each; see read-decisions.ts. */
  decisionsFile: string;
}

/**
 * Uses TLS, because policies that refuse plain HTTP are evaluated too: those of the buckets, the queues and the CDK's
 * bootstrap. The authority is created for this endpoint, and this process trusts it from now on.
 */
export function prepareEnforcement(stateDir: string): Enforcement {
  const dir = resolve(stateDir, 'tls');
  mkdirSync(dir, { recursive: true });
  const write = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const issuer = createIssuer('Sluice local cloud');
  const own = createCertificate('127.0.0.1', issuer);
  const caFile = write('ca.pem', issuer.cert);
  const decisionsFile = write('iam-decisions.ndjson', '');
  trustAlso(issuer.cert);
  return {
    variables: {
      AUTH: 'true',
      USE_SSL: '1',
      MINISTACK_SSL_CERT: write('endpoint.pem', own.cert),
      MINISTACK_SSL_KEY: write('endpoint.key', own.key),
      NODE_EXTRA_CA_CERTS: caFile,
      SLUICE_IAM_DECISIONS: decisionsFile,
    },
    ca: issuer.cert,
    caFile,
    certificateFor: (host) => createCertificate(host, issuer),
    decisionsFile,
  };
}

/** NODE_EXTRA_CA_CERTS is read only when a process starts. */
export function trustAlso(ca: string): void {
  setDefaultCACertificates([...getCACertificates('default'), ca]);
}
