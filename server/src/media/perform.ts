/** A request of the protocol as a call of the media server. */
import type { MediaServer } from './media-server.ts';
import { MediaError, type MediaErrorCode } from './port.ts';
import type { Request } from './protocol.ts';
import { readAllocate, readBridge, readBridges, readConnect, readCursor } from './requests.ts';

/** Bridges in one page of `list`: with sixteen streams a leg they still fit a line. */
const PAGE = 16;

/** Rejects with what is to be answered. */
export async function perform(media: MediaServer, owner: number, { method, params }: Request): Promise<unknown> {
  switch (method) {
    case 'allocate':
      return media.allocate(owner, readAllocate(params));
    case 'connect':
      return media.connect(owner, readConnect(params)) ?? null;
    case 'release':
      return media.release(readBridge(params.bridge)) ?? null;
    case 'adopt':
      return media.adopt(owner, readBridges(params.bridges));
    case 'list':
      return media.page(readCursor(params.after), PAGE);
    case 'counters':
      return media.counters();
    case 'hello':
      return null;
  }
}

/** What an error is to the one who asked. Only our own are told in words. */
export function refusal(error: unknown): { readonly code: MediaErrorCode; readonly message: string } {
  if (error instanceof MediaError) return { code: error.code, message: error.message };
  return { code: 'MEDIA_INTERNAL', message: 'the media process failed' };
}
