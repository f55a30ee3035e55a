/** The certificate for a server that was given none: self-signed, for its domain and the addresses it listens on. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Wall } from '@strowger/proto';
import { DataFolderError } from './data-folder.ts';
import { readIfThere, writeDurably } from './durable-file.ts';
import { selfSigned } from './self-signed.ts';

export interface CertificateRequest {
  /** Folder of certificate.pem and key.pem. */
  readonly folder: string;
  readonly domain: string;
  /** Addresses it is to be valid for; wildcards are left out. */
  readonly addresses: readonly string[];
  readonly now: Wall;
}

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  readonly created: boolean;
  /** SHA-256, as people compare it. */
  readonly fingerprint: string;
  readonly validTo: Wall;
}

const ISSUER = 'Strowger self-signed';
const DAY = 86_400_000;
const VALID = 397 * DAY;
const RENEW = 30 * DAY;

/**
 * Uses what is there if it serves, else makes a new pair. A certificate that somebody else issued is never replaced,
 * even when it does not fit: it was put there on purpose.
 */
export function ensureCertificate(request: CertificateRequest): CertificateFiles {
  const certificate = join(request.folder, 'certificate.pem');
  const key = join(request.folder, 'key.pem');
  const present = readPair(certificate, key);
  const serves = present !== undefined && (!present.issuer.includes(ISSUER) || fits(present, key, request));
  if (!serves) create(certificate, key, request);
  const { fingerprint256, validToDate } = serves ? present : parse(certificate, readIfThere(certificate) ?? '');
  return { certificate, key, created: !serves, fingerprint: fingerprint256, validTo: validToDate.getTime() as Wall };
}

/** The certificate, if both files are there: a start may have been killed between the two. */
function readPair(certificatePath: string, keyPath: string): X509Certificate | undefined {
  const certificate = readIfThere(certificatePath);
  if (certificate === undefined || readIfThere(keyPath) === undefined) return undefined;
  return parse(certificatePath, certificate);
}

function parse(path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new DataFolderError('DATA_CERTIFICATE_UNREADABLE', `${path} is no certificate; remove it to get a new one`, {
      cause,
    });
  }
}

function fits(certificate: X509Certificate, keyPath: string, { domain, addresses, now }: CertificateRequest): boolean {
  if (!holdsKeyOf(certificate, keyPath)) return false;
  if (certificate.validToDate.getTime() - now < RENEW || certificate.validFromDate.getTime() > now) return false;
  const named = isIP(domain) ? certificate.checkIP(domain) : certificate.checkHost(domain, { subject: 'never' });
  return named !== undefined && certifiable(addresses).every((address) => certificate.checkIP(address) !== undefined);
}

/** False for a pair of which a killed start replaced only one. */
function holdsKeyOf(certificate: X509Certificate, keyPath: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(readIfThere(keyPath) ?? ''));
  } catch {
    return false;
  }
}

function create(certificatePath: string, keyPath: string, { domain, addresses, now }: CertificateRequest): void {
  const { certificate, key } = selfSigned({
    organization: ISSUER,
    domain,
    addresses: certifiable(addresses),
    // Devices' clocks are wrong, mostly by little.
    from: new Date(now - DAY),
    to: new Date(now + VALID),
  });
  writeDurably(keyPath, key);
  writeDurably(certificatePath, certificate, 0o644);
}

const certifiable = (addresses: readonly string[]): readonly string[] => [
  ...new Set(addresses.filter((address) => isIP(address) !== 0 && address !== '0.0.0.0' && !/^[0:]+$/.test(address))),
];
