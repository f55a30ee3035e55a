/** `Session-Expires`, RFC 4028 §4; the 90 s floor is policy, for the user agent. */
import type { HeaderDef } from '../header.ts';
import { type DeltaParams, deltaParamsHeader } from '../shapes.ts';

export const sessionExpires: HeaderDef<DeltaParams> = deltaParamsHeader('Session-Expires', 'x');
