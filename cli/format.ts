/** `412 ms`, `3.2 s` */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A Lambda function's error is JSON with a message. */
export function messageOf(cause = ''): string {
  if (!cause.startsWith('{')) return cause;
  const { errorMessage } = JSON.parse(cause) as { errorMessage?: string };
  return errorMessage ?? cause;
}
