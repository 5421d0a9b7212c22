/** `"10501334649042878790"` -> `"91bc3c398fb3c146"`, as etcdctl prints IDs. */
export function toHex(decimal: string): string {
  return BigInt(decimal).toString(16);
}

export function fromHex(hex: string): string {
  return BigInt(`0x${hex}`).toString();
}
