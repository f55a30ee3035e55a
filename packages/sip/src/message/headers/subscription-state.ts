/** `Subscription-State`, RFC 6665 §8.2.3. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const subscriptionState: HeaderDef<TokenParams> = tokenParamsHeader('Subscription-State', false);
