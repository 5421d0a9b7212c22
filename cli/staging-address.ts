import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { InvalidArgumentError } from 'commander';

export interface StagingAddress {
  address: string;
  /** Any that is free, if not said. */
  port?: number;
}

export function parseStagingAddress(text: string): StagingAddress {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  // An IPv6 address without brackets has colons of its own.
  const [, bracketed, plain, port] = isIP(text)
    ? ['', text]
    : (/^(?:\[([^[\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? []);
  const address = bracketed ?? plain ?? '';
  if (!own.includes(address)) {
    throw new InvalidArgumentError(
      `It must be an IP address of this machine: ${own.join(', ')}; a port may follow, as in 127.0.0.1:9000 or [::1]:9000.`,
    );
  }
  if (port === undefined) return { address };
  if (Number(port) < 1 || Number(port) > 65_535) throw new InvalidArgumentError('Its port must be from 1 to 65535.');
  return { address, port: Number(port) };
}
