/** One message into a server over TCP, whatever it is. */
import { connect } from 'node:net';

/** A body that is said to be longer than what came is waited for: to say nothing for so long is no answer, either. */
const SILENCE = 700;

/**
 * The statuses of what comes back on a connection, until an OPTIONS sent behind the message has been answered; where the
 * framing is broken the server may close it instead.
 */
export function exchangeOverTcp(message: Buffer, port: number, localAddress: string): Promise<readonly number[]> {
  const ping =
    'OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;rport;branch=z9hG4bKping\r\nMax-Forwards: 70\r\n' +
    `From: <sip:ping@example.com>;tag=p\r\nTo: <sip:example.com>\r\nCall-ID: ping-${localAddress}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`;
  return new Promise((resolve, reject) => {
    let text = '';
    const done = (): void => {
      socket.destroy();
      clearTimeout(timer);
      const statuses = [...text.matchAll(/^SIP\/2\.0 (\d{3}) .*\r\n(?:.*\r\n)*?(?:Call-ID: (.*)\r\n|\r\n)/gm)];
      resolve(statuses.filter(([, , callId]) => !callId?.startsWith('ping-')).map(([, status]) => Number(status)));
    };
    const socket = connect({ host: '127.0.0.1', port, localAddress }, () => {
      socket.write(message);
      // What follows a body that is cut short would be taken for its rest.
      socket.write(`\r\n\r\n${ping}`);
    });
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
      if (text.includes('Call-ID: ping-')) done();
    });
    socket.on('close', done);
    // Closed with octets of ours unread: the kernel says so by a reset, which `close` follows.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    const timer: NodeJS.Timeout = setTimeout(done, SILENCE);
  });
}
