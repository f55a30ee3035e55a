/** A baresip without a sound card: it plays a tone, records what it hears, and does what its control socket is told. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NetstringReader, netstring } from './netstring.ts';
import { peer } from './peers.ts';
import { type PortRange, phoneMediaPorts, phonePorts } from './ports.ts';
import { Program } from './program.ts';
import { readSound, type Sound, writeTone } from './tone.ts';

const MODULES = ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules'];
/** Longer than any call here: baresip stops sending at the end of its file. */
const TONE_SECONDS = 90;

export interface PhoneOptions {
  /** A folder that is there; the phone makes its own in it. */
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  readonly domain: string;
  readonly server: { readonly transport: 'udp' | 'tcp'; readonly host: '127.0.0.1' | '[::1]'; readonly port: number };
  readonly tone: number;
  /** Seconds; what is refused as too short is a matter of the server. */
  readonly expires?: number;
  /** Picks up by itself. */
  readonly answers?: boolean;
}

export interface PhoneEvent {
  readonly type: string;
  readonly param?: string;
  /** Wall time, ms. */
  readonly at: number;
}

export class Phone {
  readonly options: PhoneOptions;
  readonly events: PhoneEvent[] = [];
  /** Where it listens for audio. */
  readonly audio: PortRange;
  readonly #folder: string;
  readonly #program: Program;
  #control: Socket | undefined;
  readonly #waiting = new Set<() => void>();
  #token = 0;
  readonly #answers = new Map<string, (answer: { readonly ok: boolean; readonly data: string }) => void>();

  private constructor(options: PhoneOptions, { folder, audio }: Places, program: Program) {
    this.options = options;
    this.audio = audio;
    this.#folder = folder;
    this.#program = program;
  }

  /** Starts it; it registers by itself. */
  static async start(options: PhoneOptions): Promise<Phone> {
    const sipPort = phonePorts();
    const controlPort = sipPort + 4;
    const folder = join(options.folder, `${options.user}-${sipPort}`);
    mkdirSync(join(folder, 'rec'), { recursive: true });
    const tone = join(folder, 'tone.wav');
    writeTone(tone, options.tone, TONE_SECONDS);
    const first = phoneMediaPorts();
    const places = { folder, tone, sipPort, controlPort, audio: { first, last: first + 39 } };
    writeFileSync(join(folder, 'config'), configOf(options.server.host, places));
    writeFileSync(join(folder, 'accounts'), `${accountOf(options)}\n`);
    writeFileSync(join(folder, 'contacts'), '');
    const program = new Program(`baresip of ${options.user}`, peer('baresip').path, ['-f', folder], { cwd: folder });
    const phone = new Phone(options, places, program);
    await phone.#open(controlPort);
    return phone;
  }

  async #open(port: number): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const socket = await connected(port);
        this.#control = socket;
        const reader = new NetstringReader();
        socket.on('data', (piece: Buffer) => {
          for (const text of reader.push(piece)) this.#heard(JSON.parse(text) as Record<string, unknown>);
        });
        socket.on('error', () => {}); // It was ended; `exit` says how.
        return;
      } catch {
        if (attempt > 50 || this.#program.ended) throw this.#program.failure('its control socket does not open');
        await sleep(100);
      }
    }
  }

  #heard(message: Record<string, unknown>): void {
    if (message.event === true) {
      const { type, param } = message as { readonly type: string; readonly param?: string };
      this.events.push({ type, ...(param === undefined ? {} : { param }), at: Date.now() });
      for (const look of this.#waiting) look();
    } else if (message.response === true) {
      const { token, ok, data } = message as { readonly token: string; readonly ok: boolean; readonly data: string };
      this.#answers.get(token)?.({ ok, data });
      this.#answers.delete(token);
    }
  }

  /** Gives a command, as one would type `/dial …`; resolves with what it printed about it. */
  async command(command: string, params?: string): Promise<string> {
    this.#token += 1;
    const token = `t${this.#token}`;
    const answered = new Promise<{ readonly ok: boolean; readonly data: string }>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.failure(`no answer to the command ${command}`)), 5_000);
      this.#answers.set(token, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
    this.#control?.write(netstring(JSON.stringify({ command, ...(params === undefined ? {} : { params }), token })));
    const { ok, data } = await answered;
    if (!ok) throw this.failure(`refuses the command ${command}: ${data}`);
    return data;
  }

  /** The first event of a type after `since` (a count of events); waits for it. */
  async event(type: string | RegExp, since = 0, ms = 10_000): Promise<PhoneEvent> {
    const find = (): PhoneEvent | undefined =>
      this.events
        .slice(since)
        .find((event) => (typeof type === 'string' ? event.type === type : type.test(event.type)));
    const found = find();
    if (found) return found;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const event = find();
        if (!event) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(event);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(this.failure(`no ${type} within ${ms / 1000} s; it had ${JSON.stringify(this.events)}`));
      }, ms);
      this.#waiting.add(look);
    });
  }

  /** Waits for the first answer to its REGISTER that is no challenge; by what it prints, as that may be before we listen. */
  async registration(): Promise<string> {
    const answer = /(?:\{\d+\/\w+\/v[46]\}|reg: \S+) (.*)\n/;
    await this.#program.until('it has an answer to its REGISTER', (output) => answer.test(output));
    return answer.exec(this.output)?.[1] ?? '';
  }

  async registered(): Promise<void> {
    const answer = await this.registration();
    if (!answer.startsWith('200')) throw this.failure(`is not registered: ${answer}`);
  }

  async dial(uri: string): Promise<void> {
    await this.command('dial', uri);
  }

  async accept(): Promise<void> {
    await this.command('accept');
  }

  async hold(): Promise<void> {
    await this.command('hold');
  }

  async resume(): Promise<void> {
    await this.command('resume');
  }

  async hangUp(): Promise<void> {
    await this.command('hangup');
  }

  /** What it heard (`dec`) or said (`enc`), a recording a call, oldest first; written when the call has ended. */
  recordings(which: 'dec' | 'enc'): readonly Sound[] {
    return readdirSync(join(this.#folder, 'rec'))
      .filter((name) => name.endsWith(`-${which}.wav`))
      .sort()
      .map((name) => readSound(join(this.#folder, 'rec', name)));
  }

  get output(): string {
    return this.#program.output;
  }

  failure(why: string): Error {
    return this.#program.failure(why);
  }

  async stop(): Promise<void> {
    this.#control?.destroy();
    await this.#program.stop();
  }
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

export interface Places {
  readonly folder: string;
  readonly tone: string;
  readonly sipPort: number;
  readonly controlPort: number;
  readonly audio: PortRange;
}

/** Its `config` file, for a phone at that address (IPv6 in brackets). */
export function configOf(host: string, { folder, tone, sipPort, controlPort, audio }: Places): string {
  const address = host === '[::1]' ? '::1' : host;
  return [
    'poll_method epoll',
    `sip_listen ${host}:${sipPort}`,
    'audio_player aubridge,nil',
    `audio_source aufile,${tone}`,
    'audio_alert aubridge,alert',
    'ausrc_srate 8000',
    'auplay_srate 8000',
    ...['ausrc', 'auplay', 'auenc', 'audec'].map((name) => `${name}_format s16`),
    'jitter_buffer_delay 0-10',
    `rtp_ports ${audio.first}-${audio.last - 1}`,
    `net_interface ${address}`,
    `module_path ${modulePath()}`,
    'module aubridge.so',
    'module g711.so',
    'module aufile.so',
    'module sndfile.so',
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
    `snd_path ${join(folder, 'rec')}`,
    '',
  ].join('\n');
}

function accountOf({ user, password, domain, server, expires = 60, answers = true }: PhoneOptions): string {
  const params = [
    `auth_user=${user}`,
    `auth_pass=${password}`,
    `outbound="sip:${server.host}:${server.port};transport=${server.transport}"`,
    `regint=${expires}`,
    'audio_codecs=PCMU',
    `answermode=${answers ? 'auto' : 'manual'}`,
  ];
  return `<sip:${user}@${domain};transport=${server.transport}>;${params.join(';')}`;
}

function modulePath(): string {
  const found = MODULES.find((path) => {
    try {
      return readdirSync(path).includes('aubridge.so');
    } catch {
      return false;
    }
  });
  return found ?? MODULES[0] ?? '';
}
