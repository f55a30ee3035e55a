/** What a phone's call says and hears: RTP over the virtual network, so that a path that SIP agreed on is walked. */
import { fromBytes, type Octets, type UdpSet } from '@strowger/proto';
import type { Phone, PhoneCall, VirtualHost } from '@strowger/testkit';

const PACKET_MS = 20;
const HEADER = 12;

export class Voice {
  /** Packets heard, by their SSRC. */
  readonly heard: Map<number, number> = new Map();
  readonly ssrc: number;
  readonly #call: PhoneCall;
  readonly #host: VirtualHost;
  readonly #udp: UdpSet;
  readonly #socket: number;
  #sequence = 0;

  static async open(phone: Phone, call: PhoneCall, ssrc: number): Promise<Voice> {
    const { host } = phone.options;
    const udp = host.createUdpSet();
    const socket = await udp.bind({ address: phone.wire.local.address, port: phone.mediaPort(call) });
    return new Voice(call, host, udp, socket, ssrc);
  }

  private constructor(call: PhoneCall, host: VirtualHost, udp: UdpSet, socket: number, ssrc: number) {
    this.#call = call;
    this.#host = host;
    this.#udp = udp;
    this.#socket = socket;
    this.ssrc = ssrc;
    udp.onBatch((batch) => {
      for (const { bytes } of batch) this.#hear(fromBytes(bytes));
    });
  }

  /** Says so many packets, one every 20 ms, to where the peer's last description says. */
  speak(packets: number): void {
    const { heard } = this.#call;
    if (packets === 0 || !heard) return;
    this.#udp.send(this.#socket, this.#packet(), { address: heard.address, port: heard.port });
    this.#host.network.clock.after(PACKET_MS, () => this.speak(packets - 1));
  }

  async close(): Promise<void> {
    await this.#udp.closeAll();
  }

  #hear(packet: Octets): void {
    if (packet.length < HEADER) return;
    const ssrc = uint32(packet, 8);
    this.heard.set(ssrc, (this.heard.get(ssrc) ?? 0) + 1);
  }

  #packet(): Uint8Array {
    this.#sequence += 1;
    const bytes = new Uint8Array(HEADER + 20);
    const view = new DataView(bytes.buffer);
    view.setUint8(0, 0x80);
    view.setUint16(2, this.#sequence);
    view.setUint32(4, this.#sequence * 160);
    view.setUint32(8, this.ssrc);
    return bytes;
  }
}

function uint32(text: Octets, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i += 1) value = value * 256 + text.charCodeAt(i);
  return value;
}
