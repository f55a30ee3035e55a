/** Who a request comes from, how that was proven, and what it may do. Every request has one from its first stage on. */

/** What a principal may do. Routes of the API and SIP methods alike ask for one of these. */
export type Right = 'register' | 'call' | 'message' | 'subscribe' | 'publish';

export type Principal =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'device';
      readonly tenant: string;
      readonly person: string;
      readonly device: string;
      readonly extension: string;
      readonly proof: 'digest' | 'dialog';
      readonly rights: ReadonlySet<Right>;
    }
  | {
      readonly kind: 'network';
      readonly tenant: string;
      /** The CIDR of the configuration that let it in. */
      readonly network: string;
      readonly proof: 'address' | 'dialog';
      readonly rights: ReadonlySet<Right>;
    }
  | { readonly kind: 'node'; readonly tenant: string; readonly rights: ReadonlySet<Right> };

export const ANONYMOUS: Principal = { kind: 'anonymous' };

export const ALL_RIGHTS: ReadonlySet<Right> = new Set<Right>(['register', 'call', 'message', 'subscribe', 'publish']);

export function mayDo(principal: Principal, right: Right): boolean {
  return principal.kind !== 'anonymous' && principal.rights.has(right);
}

/** The right a SIP method needs; methods that live inside dialogs need none of their own. */
export const RIGHT_OF_METHOD: Readonly<Record<string, Right>> = {
  REGISTER: 'register',
  INVITE: 'call',
  REFER: 'call',
  OPTIONS: 'call',
  MESSAGE: 'message',
  INFO: 'message',
  SUBSCRIBE: 'subscribe',
  NOTIFY: 'subscribe',
  PUBLISH: 'publish',
};
