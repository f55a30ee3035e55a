/** `Event`, RFC 6665 §8.2.1. */
import type { HeaderDef } from '../header.ts';
import { type TokenParams, tokenParamsHeader } from '../shapes.ts';

export const event: HeaderDef<TokenParams> = tokenParamsHeader('Event', false, 'o');
