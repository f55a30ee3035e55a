/** How modules name each other's services, without importing each other. */

/** Names a service and carries its type. */
export interface ServiceKey<S> {
  readonly name: string;
  /** Never present: it only ties the key to the type. */
  readonly service?: S;
}

export function serviceKey<S>(name: string): ServiceKey<S> {
  return { name };
}
