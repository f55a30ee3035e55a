/** The first account: made on the first start, with a password that is shown once and stored only as a hash. */
import { randomUUID } from 'node:crypto';
import type { directoryStore } from '../modules/directory/store.ts';
import type { StoreClient } from '../storage/define-store.ts';
import { hashPassword, randomPassword } from './password.ts';

export interface NewAdministrator {
  readonly name: string;
  /** To be printed, now or never. */
  readonly password: string;
  /** Call once it has been printed: until then each start makes a new one, since nobody can know the old. */
  announced(): Promise<void>;
}

const NAME = 'admin';
const ROLE = 'administrator';

/** Undefined when there is an administrator whose password somebody has seen. */
export async function ensureAdministrator(
  directory: StoreClient<typeof directoryStore>,
  tenant: string,
): Promise<NewAdministrator | undefined> {
  const present = await directory.accountsOfRole(tenant, ROLE);
  const first = present[0];
  if (first && (present.length > 1 || first.announced)) return undefined;
  const password = randomPassword();
  const passwordHash = await hashPassword(password);
  const id = first?.id ?? randomUUID();
  if (first) await directory.changeAccount(tenant, first, { passwordHash });
  else await directory.addAccount(tenant, { id, name: NAME, role: ROLE, passwordHash });
  const version = (first?.version ?? 0) + 1;
  return {
    name: first?.name ?? NAME,
    password,
    async announced() {
      await directory.changeAccount(tenant, { id, version }, { announced: true });
    },
  };
}
