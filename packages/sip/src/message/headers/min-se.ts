/** `Min-SE`, RFC 4028 §5. */
import type { HeaderDef } from '../header.ts';
import { type DeltaParams, deltaParamsHeader } from '../shapes.ts';

export const minSe: HeaderDef<DeltaParams> = deltaParamsHeader('Min-SE');
