/** Applying what a configuration file declares: what to change, decided as a pure function of what there is. */
import type { Selectable } from 'kysely';
import type { DirectoryTables } from './store-tables.ts';

/** A person of the file, with fresh ids for the case that they are new, and the secret sealed by who has the key. */
export interface DeclaredRow {
  /** Used if the person is new. */
  readonly id: string;
  readonly name: string;
  readonly extension: string;
  readonly email?: string;
  readonly secret: {
    /** Sealed for this user name: see `deviceSecretAbout`. */
    readonly sealed: string;
    readonly mark: string;
    /** The file gives none and this one was made up: a device that has a secret keeps it. */
    readonly generated: boolean;
  };
  readonly algorithms: readonly string[];
}

/** One line of a reload's diff. */
export interface FileChange {
  readonly kind: 'added' | 'changed' | 'enabled' | 'disabled' | 'refused';
  readonly extension: string;
  readonly person: string;
  /** Of 'changed' and 'enabled': which fields differ. Never their values. */
  readonly fields: readonly string[];
  /** Of 'refused': why. */
  readonly code?: 'extension-in-use' | 'user-name-in-use';
}

export type PersonRow = Selectable<DirectoryTables['people']>;
export type DeviceRow = Selectable<DirectoryTables['devices']>;
export type ExtensionRow = Selectable<DirectoryTables['extensions']>;

/** What is stored about one extension. */
export interface Present {
  readonly extension: ExtensionRow;
  readonly person: PersonRow;
  readonly device: DeviceRow | undefined;
}

export interface Planned {
  readonly change: FileChange;
  readonly declared?: DeclaredRow;
  readonly present?: Present;
}

/** The changes, in the file's order, then what left the file. An empty list means that nothing differs. */
export function planFile(
  declared: readonly DeclaredRow[],
  present: ReadonlyMap<string, Present>,
  userNames: ReadonlyMap<string, DeviceRow>,
): readonly Planned[] {
  const plans: Planned[] = [];
  const seen = new Set<string>();
  for (const row of declared) {
    seen.add(row.extension);
    const plan = planOne(row, present.get(row.extension), userNames.get(row.extension));
    if (plan) plans.push(plan);
  }
  for (const [extension, there] of present) {
    if (seen.has(extension) || there.extension.source !== 'file' || there.extension.disabled_at !== null) continue;
    plans.push({ change: { kind: 'disabled', extension, person: there.person.id, fields: [] }, present: there });
  }
  return plans;
}

function planOne(
  declared: DeclaredRow,
  present: Present | undefined,
  device: DeviceRow | undefined,
): Planned | undefined {
  const { extension } = declared;
  const person = present?.person.id ?? declared.id;
  const refused = (code: 'extension-in-use' | 'user-name-in-use'): Planned => ({
    change: { kind: 'refused', extension, person, fields: [], code },
  });
  // What the console made is the console's: the file does not take it over unasked.
  if (present && present.extension.source !== 'file') return refused('extension-in-use');
  if (device && (device.source !== 'file' || device.person !== person)) return refused('user-name-in-use');
  if (!present) return { change: { kind: 'added', extension, person, fields: [] }, declared };
  const fields = differing(declared, present);
  const back = present.extension.disabled_at !== null;
  if (!back && fields.length === 0) return undefined;
  return { change: { kind: back ? 'enabled' : 'changed', extension, person, fields }, declared, present };
}

function differing({ name, email, secret, algorithms }: DeclaredRow, { person, device }: Present): readonly string[] {
  const fields: string[] = [];
  if (person.name !== name) fields.push('name');
  if (person.email !== (email ?? null)) fields.push('email');
  if (!device || (!secret.generated && device.secret_mark !== secret.mark)) fields.push('password');
  if (device && device.algorithms !== JSON.stringify(algorithms)) fields.push('algorithms');
  return fields;
}
