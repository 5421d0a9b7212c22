import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';

export interface StagingAddress {
  address: string;
  /** Any that is free, if not said. */
  port?: number;
}

/** @param use what it is used for */
export function stagingAddressOption(use: string): Option {
  const where = 'an address of this machine that the hosts reach, such as 10.0.1.5:9000 or [fd00::5]:9000';
  const otherwise = '(default: 127.0.0.1, which serves hosts that are this machine, and any free port)';
  return new Option('--staging-address <address[:port]>', `${where}: ${use} ${otherwise}`).argParser(
    parseStagingAddress,
  );
}

/** What the platform takes. */
export function stagingAt(staging: StagingAddress | undefined) {
  return staging && { stagingAddress: staging.address, stagingPort: staging.port };
}

function parseStagingAddress(text: string): StagingAddress {
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
