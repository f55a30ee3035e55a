/** What waits to leave. One write of the journal for all of a turn, then the packets, in the order they were made. */
import type { Wall } from '@strowger/proto';
import type { Packet } from '@strowger/sip';
import type { Counters } from './counters.ts';
import type { ServerHost } from './host.ts';
import { errorFields } from './log.ts';
import type { TraceRing } from './trace-ring.ts';

/** Only these promise something that the journal holds: a binding (RFC 3261 §10.3). */
const PROMISES = /^SIP\/2\.0 2/;
const OF_REGISTER = /\r\nCSeq[ \t]*:[^\r\n]*REGISTER[ \t]*\r\n/i;

export class Departures {
  readonly #host: ServerHost;
  readonly #trace: TraceRing;
  readonly #counters: Counters;
  #waiting: Packet[] = [];
  #scheduled = false;
  #failing = false;

  constructor(host: ServerHost, trace: TraceRing, counters: Counters) {
    this.#host = host;
    this.#trace = trace;
    this.#counters = counters;
  }

  /** Packets made in this turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(packet: Packet): void {
    this.#waiting.push(packet);
    this.wake();
  }

  /** The journal has something to write, whether a packet waits for it or not. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#host.endOfTurn(() => this.depart());
  }

  depart(): void {
    const packets = this.#waiting;
    this.#scheduled = false;
    this.#waiting = [];
    const safe = this.#flush();
    const at = this.#host.clock.wall();
    for (const packet of packets) {
      // A promise that could not be kept is not made. The phone asks again, and the journal still has what it owes.
      if (!safe && PROMISES.test(packet.text) && OF_REGISTER.test(packet.text)) {
        this.#counters.of('kernel_promises_withheld').value += 1;
        continue;
      }
      this.#send(packet, at);
    }
    this.#host.poke();
  }

  /** One message that cannot be sent is no reason to keep the others of its turn. */
  #send(packet: Packet, at: Wall): void {
    try {
      const flow = this.#host.transports.send(packet.text, packet.to, packet.local, packet);
      if (flow) this.#trace.message('sent', at, flow, packet.text);
    } catch (error) {
      this.#counters.of('kernel_send_errors').value += 1;
      this.#host.log.error('message-not-sent', errorFields(error));
    }
  }

  #flush(): boolean {
    try {
      this.#host.journal.flush();
      if (this.#failing) this.#host.log.info('journal-recovered');
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing) {
        this.#host.log.error('journal-cannot-be-written', {
          ...errorFields(error),
          effect: 'registrations are not answered until it can; see free space and permissions of the data folder',
        });
      }
      this.#failing = true;
      return false;
    }
  }
}
