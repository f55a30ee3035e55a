/** The methods of SIP and what is peculiar to each: a method is a row here and the handler that a module registers. */
export interface MethodRow {
  readonly name: string;
  readonly reference: string;
  /** A 2xx to it (or its 101–199) can set up a dialog or dialog usage. */
  readonly createsDialog: boolean;
  /** Within a dialog it moves the remote target (RFC 3261 §6, RFC 6141 §4). */
  readonly targetRefresh: boolean;
  /** May be sent only within a dialog. */
  readonly inDialogOnly: boolean;
  /** Never answered, never challenged: ACK (RFC 3261 §17, §22.1). */
  readonly unanswered?: true;
  /** Hop by hop, and never challenged: CANCEL (§9.1, §22.1). */
  readonly hopByHop?: true;
}

const row = (
  name: string,
  reference: string,
  flags: Partial<Omit<MethodRow, 'name' | 'reference'>> = {},
): MethodRow => ({ createsDialog: false, targetRefresh: false, inDialogOnly: false, ...flags, name, reference });

export const METHODS: readonly MethodRow[] = [
  row('INVITE', 'RFC 3261', { createsDialog: true, targetRefresh: true }),
  row('ACK', 'RFC 3261', { unanswered: true }),
  row('BYE', 'RFC 3261', { inDialogOnly: true }),
  row('CANCEL', 'RFC 3261', { hopByHop: true }),
  row('OPTIONS', 'RFC 3261'),
  row('REGISTER', 'RFC 3261'),
  row('PRACK', 'RFC 3262', { inDialogOnly: true }),
  row('SUBSCRIBE', 'RFC 6665', { createsDialog: true, targetRefresh: true }),
  row('NOTIFY', 'RFC 6665', { createsDialog: true, targetRefresh: true }),
  row('UPDATE', 'RFC 3311', { targetRefresh: true, inDialogOnly: true }),
  row('REFER', 'RFC 3515', { createsDialog: true, targetRefresh: true }),
  row('MESSAGE', 'RFC 3428'),
  row('INFO', 'RFC 6086', { inDialogOnly: true }),
  row('PUBLISH', 'RFC 3903'),
];

const BY_NAME: ReadonlyMap<string, MethodRow> = new Map(METHODS.map((m) => [m.name, m]));

/** Methods are compared with case (RFC 3261 §7.1). */
export function methodRow(name: string): MethodRow | undefined {
  return BY_NAME.get(name);
}
