import { connect } from 'node:net';
import type { Answer } from './answer.ts';

/**
 * What runs as systemctl and journalctl: `client.ts SOCKET PROGRAM ARGS...` has the service manager do it, and prints and exits as
 * it is told. It is started for every call, so it imports nothing that takes time to load.
 */
const [path = '', program, ...args] = process.argv.slice(2);

const socket = connect(path, () => socket.end(JSON.stringify({ program, args })));
let reply = '';
socket.setEncoding('utf8').on('data', (data: string) => {
  reply += data;
});
socket.once('error', ({ message }) => {
  process.stderr.write(`The service manager of this host does not answer: ${message}\n`);
  process.exitCode = 1;
});
socket.once('end', () => {
  if (reply === '') {
    process.stderr.write('The service manager of this host was closed.\n');
    process.exitCode = 1;
    return;
  }
  const { exitCode, stdout, stderr } = JSON.parse(reply) as Answer;
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
});
