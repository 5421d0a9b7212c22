import type { ListedBackup } from './contracts.ts';

/** `orders-20261129T081500.123Z at revision 3000: 1004 writes would be given up, for m1 holds revision 4004` */
export function describeListed({ name, revision, givenUp, obstacle }: ListedBackup): string {
  const at = revision === '' ? name : `${name} at revision ${revision}`;
  const less = givenUp !== null && givenUp !== '0' ? `${givenUp} writes would be given up with it: ` : '';
  return obstacle === '' ? at : `${at}: ${less}${obstacle}`;
}
