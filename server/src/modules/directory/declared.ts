/** People of the configuration file as rows for the store, their passwords sealed on this side of it. */
import type { DeclaredPerson } from '../../config/schema.ts';
import type { Secrets } from '../../kernel/secrets.ts';
import { deviceSecretAbout } from './store.ts';
import type { DeclaredRow } from './store-file.ts';

export function declaredRows(
  people: readonly DeclaredPerson[],
  tenant: string,
  o: {
    readonly secrets: Pick<Secrets, 'seal' | 'mark'>;
    readonly id: () => string;
    readonly password: () => string;
    /** For devices that name none. */
    readonly algorithms: readonly string[];
  },
): readonly DeclaredRow[] {
  return people.map(({ name, extension, email, password, algorithms }) => {
    const about = deviceSecretAbout(tenant, extension);
    const plain = password ?? o.password();
    return {
      id: o.id(),
      name,
      extension,
      ...(email === undefined ? {} : { email }),
      secret: {
        sealed: o.secrets.seal(plain, about),
        mark: o.secrets.mark(plain, about),
        generated: password === undefined,
      },
      algorithms: algorithms ?? o.algorithms,
    };
  });
}
