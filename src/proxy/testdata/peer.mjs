/**
 * A machine of the traffic tests: answers TCP and UDP on port 8080 with its name and who asks (TCP on 8081 as often as asked, over one
 * connection), and asks others when told to. One JSON object a line on stdin (`{id, protocol, host, port}`), one on stdout (`{id, answer}`,
 * or `{id, error}`).
 */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const name = process.argv[2];
const timeoutMs = 500;
const said = (address) => `${name} ${address.replace(/^::ffff:/, '')}`;
createServer((socket) => {
  socket.on('error', () => {});
  socket.end(said(socket.remoteAddress ?? ''));
}).listen(8080, '::', () => console.log('{}'));
createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', () => socket.write(said(socket.remoteAddress ?? '')));
}).listen(8081, '::');
const listener = createSocket('udp6').bind(8080, '::');
listener.on('message', (_text, { address, port }) => listener.send(said(address), port, address));

const kept = new Map();

function ask({ id, protocol, host, port, from }) {
  const answer = (result) => console.log(JSON.stringify({ id, ...result }));
  if (protocol === 'TCP' && from) return converse(from, { host, port }, answer);
  if (protocol === 'TCP') {
    const socket = connect({ host, port, timeout: timeoutMs });
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.once('timeout', () => socket.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    socket.once('error', ({ code }) => answer({ error: code }));
    socket.once('end', () => answer({ answer: text }));
    return;
  }
  // `from` names a socket that is used again, so that the connection is the same.
  let socket = from && kept.get(from);
  if (!socket) {
    socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    if (from) kept.set(from, socket);
  }
  let ended = false;
  void sleep(timeoutMs).then(() => end({ error: 'ETIMEDOUT' }));
  const end = (result) => {
    if (ended) return;
    ended = true;
    socket.removeAllListeners();
    if (!from) socket.close();
    answer(result);
  };
  socket.once('message', (text) => end({ answer: String(text) }));
  socket.once('error', ({ code }) => end({ error: code }));
  if (from) socket.send('x', port, host, () => {});
  else socket.connect(port, host, () => socket.send('x'));
}

/** Asks once more over a connection that is kept. */
function converse(from, target, answer) {
  const socket = kept.get(from) ?? connect(target);
  kept.set(from, socket);
  socket.removeAllListeners();
  let ended = false;
  const end = (result) => {
    if (!ended) answer(result);
    ended = true;
  };
  void sleep(2 * timeoutMs).then(() => end({ error: 'ETIMEDOUT' }));
  socket.once('data', (text) => end({ answer: String(text) }));
  socket.once('error', ({ code }) => end({ error: code }));
  socket.write('x');
}

createInterface({ input: process.stdin }).on('line', (line) => ask(JSON.parse(line)));
