/** URLs as somebody may write them. */

export const TAKEN = [
  'https://10.0.1.11:2379',
  'http://10.0.1.11:2379',
  'https://node1.etcd.internal:2379',
  'https://node1.etcd.internal.:2379',
  'https://[fd00::11]:2379',
  'https://[::ffff:10.0.0.1]:2379',
  'https://node1:443',
  'http://node1:80',
  'http://NODE1.Example:65535',
  'http://node_1:1',
  'http://xn--mller-kva.example:2379',
  'http://3com:2379',
];

const NO_URL = 'is not a URL';
const PLAIN = 'must be plain ASCII without white space, and holds';
const UNSEEN = `${PLAIN} a character that cannot be seen`;
const END = 'must end after the port, without a "/"';
const NO_PASSWORD = 'must not hold a user or password';
const NO_HOST = 'has a host that etcd and these functions would read differently';
const NO_PORT = 'has no port';
const PORT = 'must have a port from 1 to 65535';
const NO_ADDRESS = 'is not a host with a port';
const SCHEME = 'etcd\'s URLs start with "http:" or "https:"';

/** Each with what is wrong with it. Most of them are a URL to a browser. */
export const REFUSED: [string, string][] = [
  ['', NO_URL],
  ['10.0.1.11:2379', NO_URL],
  ['node1:2379', NO_URL],
  ['//node1:2379', NO_URL],
  ['http:node1:2379', NO_URL],
  ['http:/node1:2379', NO_URL],
  ['http:///node1:2379', NO_URL],
  ['https:://node1:2379', NO_URL],
  ['http:\\\\node1:2379', NO_URL],
  ['tcp://node1:2379', SCHEME],
  ['unix://node1:2379', SCHEME],
  ['HTTP://node1:2379', SCHEME],
  ['https://node1:2379/', END],
  ['https://node1:2379/health', END],
  ['https://node1:2379?timeout=5', END],
  ['https://node1:2379?', END],
  ['https://node1:2379#1', END],
  ['https://node1:2379\\', END],
  ['http://http://node1:2379', END],
  ['http://node1:2379,http://node2:2379', END],
  ['https://root:hunter2@node1:2379', NO_PASSWORD],
  ['http://@node1:2379', NO_PASSWORD],
  ['http://node1\\@10.6.6.6:2379', NO_PASSWORD],
  [' http://node1:2379', `${PLAIN} white space (U+0020)`],
  ['http://node1:2379\n', `${PLAIN} white space (U+000A)`],
  ['http://no\tde1:2379', `${PLAIN} white space (U+0009)`],
  ['http://node1\u00a0:2379', `${PLAIN} white space (U+00A0)`],
  ['http://node1:2379\u0000', `${UNSEEN} (U+0000)`],
  ['http://node1\u007f:2379', `${UNSEEN} (U+007F)`],
  ['http://node\u00ad1:2379', `${UNSEEN} (U+00AD)`],
  ['http://\u202enode1:2379', `${UNSEEN} (U+202E)`],
  ['http://\uff4eode1:2379', `${PLAIN} "\uff4e" (U+FF4E)`],
  ['http://node\uff11:2379', `${PLAIN} "\uff11" (U+FF11)`],
  ['http://node1\uff1a2379', `${PLAIN} "\uff1a" (U+FF1A)`],
  ['http://node1\u3002example:2379', `${PLAIN} "\u3002" (U+3002)`],
  ['http://m\u00fcller.example:2379', `${PLAIN} "\u00fc" (U+00FC)`],
  ['http://node%31:2379', NO_HOST],
  ['http://node1:23%379', NO_ADDRESS],
  ['http://[fe80::1%25eth0]:2379', NO_HOST],
  ['http://[fe80::1%eth0]:2379', NO_HOST],
  ['http://[10.0.0.1]:2379', NO_HOST],
  ['http://[]:2379', NO_HOST],
  ['http://[1::2::3]:2379', NO_HOST],
  ['http://[::1:2379', NO_ADDRESS],
  ['http://::1:2379', NO_ADDRESS],
  ['http://:2379', NO_ADDRESS],
  ['https://node1', NO_PORT],
  ['https://[fd00::11]', NO_PORT],
  ['http://node1:', NO_PORT],
  ['http://node1:0', PORT],
  ['http://node1:02379', PORT],
  ['https://node1:99999', PORT],
  ['http://node1:+2379', NO_ADDRESS],
  ['http://node1:http', NO_ADDRESS],
  ['http://node1:2379:2379', NO_ADDRESS],
  ['http://127.1:2379', NO_HOST],
  ['http://0x7f.0.0.1:2379', NO_HOST],
  ['http://2130706433:2379', NO_HOST],
  ['http://10.0.1.011:2379', NO_HOST],
  ['http://10.0.0.256:2379', NO_HOST],
  ['http://10.0.0.1.:2379', NO_HOST],
  ['http://1.2.3.4.5:2379', NO_HOST],
  ['http://node1..example:2379', NO_HOST],
  ['http://-node1:2379', NO_HOST],
  ['http://node1$(id):2379', NO_HOST],
  [`http://${'a'.repeat(254)}:2379`, NO_HOST],
];
