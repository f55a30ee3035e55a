/** The file's people as the directory takes them: secrets sealed here, where the key is. */
import { randomUUID } from 'node:crypto';
import type { DeclaredPerson } from '../config/schema.ts';
import { deviceSecretAbout } from '../modules/directory/store.ts';
import type { DeclaredRow } from '../modules/directory/store-file.ts';
import { randomPassword } from './password.ts';
import type { SecretKeys } from './secrets.ts';

/** Strongest first. MD5 stays, because most phones on desks know nothing else (RFC 8760 §2.4). */
const ALGORITHMS = ['SHA-256', 'MD5'];

export function declarePeople(
  people: readonly DeclaredPerson[],
  tenant: string,
  keys: Pick<SecretKeys, 'seal' | 'mark'>,
): readonly DeclaredRow[] {
  return people.map(({ name, extension, email, password }) => {
    const about = deviceSecretAbout(tenant, extension);
    const secret = password ?? randomPassword();
    return {
      id: randomUUID(),
      name,
      extension,
      ...(email === undefined ? {} : { email }),
      secret: { sealed: keys.seal(secret, about), mark: keys.mark(secret, about), generated: password === undefined },
      algorithms: ALGORITHMS,
    };
  });
}
