/**
 * Secrets at rest: AES-256-GCM under the master key. `about` (tenant and row) is authenticated with them, so that a
 * secret copied into another row does not open there.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assumeOctets, type Octets } from '@strowger/proto';

export interface SecretKeys {
  /** Keys the nonces' HMAC; survives restarts. */
  readonly nonceKey: Octets;
  /** Seals with the master key. `about` names the row: `aboutRow('default', 'device', id)`. */
  seal(plain: string, about: string): string;
  /** Throws `SealedSecretError` when it was sealed with another key, for another row, or was changed. */
  open(sealed: string, about: string): string;
  /** Equal for equal secrets of one row, and says nothing else: tells a changed secret without opening the old one. */
  mark(plain: string, about: string): string;
}

export class SealedSecretError extends Error {
  override readonly name = 'SealedSecretError';
  readonly code = 'SECRET_UNREADABLE';
}

/** What a sealed secret is bound to, unambiguously. */
export const aboutRow = (tenant: string, table: string, id: string): string => JSON.stringify([tenant, table, id]);

const KEY = /^[0-9a-f]{64}\n$/;
const SEALED = /^s1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;
const NONCE = 12;
const TAG = 16;

/** A new key as its file holds it. */
export const createKey = (): string => `${randomBytes(32).toString('hex')}\n`;

export function readKeys(folder: string): SecretKeys {
  return secretKeys(readKey(join(folder, 'master.key')), readKey(join(folder, 'nonce.key')));
}

function readKey(path: string): Buffer {
  const text = readFileSync(path, 'utf8');
  if (!KEY.test(text)) throw new Error(`${path} is not 64 hexadecimal digits and a line end`);
  return Buffer.from(text.trim(), 'hex');
}

/** Both keys are 32 bytes. */
export function secretKeys(master: Buffer, nonce: Buffer): SecretKeys {
  const sealing = Buffer.from(hkdfSync('sha256', master, '', 'strowger seal 1', 32));
  const marking = Buffer.from(hkdfSync('sha256', master, '', 'strowger mark 1', 32));
  const id = createHash('sha256').update(sealing).digest('hex').slice(0, 8);
  return {
    nonceKey: assumeOctets(nonce.toString('latin1')),
    seal(plain, about) {
      const iv = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', sealing, iv).setAAD(Buffer.from(`${id} ${about}`));
      const body = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `s1.${id}.${body.toString('base64url')}`;
    },
    open(sealed, about) {
      const [, keyId, text = ''] = SEALED.exec(sealed) ?? [];
      if (keyId === undefined) throw new SealedSecretError('not a sealed secret');
      if (keyId !== id) throw new SealedSecretError(`sealed with key ${keyId}, this folder's key is ${id}`);
      const body = Buffer.from(text, 'base64url');
      if (body.length < NONCE + TAG) throw new SealedSecretError('a sealed secret that was cut off');
      const cipher = createDecipheriv('aes-256-gcm', sealing, body.subarray(0, NONCE), { authTagLength: TAG });
      cipher.setAAD(Buffer.from(`${id} ${about}`)).setAuthTag(body.subarray(-TAG));
      try {
        return Buffer.concat([cipher.update(body.subarray(NONCE, -TAG)), cipher.final()]).toString('utf8');
      } catch (cause) {
        throw new SealedSecretError('a sealed secret that was changed, or belongs to another row', { cause });
      }
    },
    mark: (plain, about) => createHmac('sha256', marking).update(`${about} ${plain}`).digest('base64url'),
  };
}
