export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** `median 412 ms (380 to 460, 5 runs)` */
export function describe(values: readonly number[]): string {
  const rounded = [median(values), Math.min(...values), Math.max(...values)].map(Math.round);
  return `median ${rounded[0]} ms (${rounded[1]} to ${rounded[2]}, ${values.length} runs)`;
}
