/** People of the configuration file as rows for the store, their passwords sealed on this side of it. */
import type { DeclaredPerson } from '../../config/schema.ts';
import type { Secrets } from '../../kernel/context.ts';
import { DEFAULT_ALGORITHMS } from './api.ts';
import { deviceSecretAbout } from './store.ts';
import type { DeclaredRow } from './store-file.ts';

export function declaredRows(
  people: readonly DeclaredPerson[],
  tenant: string,
  o: { readonly secrets: Secrets; readonly id: () => string; readonly password: () => string },
): readonly DeclaredRow[] {
  return people.map(({ name, extension, email, password }) => {
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
      algorithms: DEFAULT_ALGORITHMS,
    };
  });
}
