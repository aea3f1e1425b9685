import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate with its key, as PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Issuer extends Certificate {
  name: string;
  privateKey: KeyObject;
}

const dayMs = 24 * 60 * 60 * 1000;

/** An authority of one's own. */
export function createIssuer(name: string): Issuer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const cert = certificateOf({ name, issuer: name, publicKey, signedWith: privateKey, extension: isAuthority });
  return { name, privateKey, cert, key: pemOf(privateKey) };
}

/** For a server of that name or address; valid since yesterday, or over since yesterday. Without an issuer it signs itself. */
export function createCertificate(host: string, issuer?: Issuer, isExpired = false): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = `server ${host}`;
  const signedWith = issuer?.privateKey ?? privateKey;
  const extension = alternativeName(host);
  const cert = certificateOf({ name, issuer: issuer?.name ?? name, publicKey, signedWith, extension, isExpired });
  return { cert, key: pemOf(privateKey) };
}

interface CertificateRequest {
  name: string;
  issuer: string;
  publicKey: KeyObject;
  signedWith: KeyObject;
  extension: Buffer;
  isExpired?: boolean;
}

/** X.509 v3 (RFC 5280, 4.1), written out in DER, because Node reads certificates and makes none. */
function certificateOf(request: CertificateRequest): string {
  const { name, issuer, publicKey, signedWith, extension, isExpired = false } = request;
  const until = Date.now() + (isExpired ? -dayMs : dayMs);
  const serial = der(0x02, Buffer.from([1 + Math.floor(Math.random() * 120), Math.floor(Math.random() * 256)]));
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    serial,
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(timeOf(until - 2 * dayMs), timeOf(until)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, signedWith));
  const base64 = sequence(toBeSigned, ecdsaWithSha256, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const objectId = (...bytes: number[]): Buffer => der(0x06, Buffer.from(bytes));
const yes = der(0x01, Buffer.from([0xff]));

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));

/** basicConstraints: CA. */
const isAuthority = sequence(objectId(0x55, 0x1d, 0x13), yes, der(0x04, sequence(yes)));

function alternativeName(host: string): Buffer {
  const name = isIP(host) ? der(0x87, addressOf(host)) : der(0x82, Buffer.from(host));
  return sequence(objectId(0x55, 0x1d, 0x11), der(0x04, sequence(name)));
}

/** Of IPv6 addresses, the loopback alone. */
function addressOf(ip: string): Buffer {
  return ip === '::1' ? Buffer.from([...Array<number>(15).fill(0), 1]) : Buffer.from(ip.split('.').map(Number));
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId(0x55, 0x04, 0x03), der(0x0c, Buffer.from(commonName)))));
}

/** UTCTime. */
function timeOf(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
