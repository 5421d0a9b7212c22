/** `412 ms`, `3.2 s` */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** What a step has failed with: of an execution in an execution its own error, and not that its task has failed. */
export function describeError(error: string, cause?: string): string {
  return `${parsed(cause).Error ?? error}: ${messageOf(cause)}`;
}

/** A Lambda function's error is JSON with a message, and that of an execution in an execution is JSON with a cause. */
export function messageOf(cause = ''): string {
  const { errorMessage, Cause } = parsed(cause);
  return errorMessage ?? Cause ?? cause;
}

function parsed(cause = ''): { errorMessage?: string; Error?: string; Cause?: string } {
  if (!cause.startsWith('{')) return {};
  try {
    return JSON.parse(cause);
  } catch {
    // Step Functions cuts off what is longer than 32,768 characters.
    return {};
  }
}

/** A command as it is typed. */
export function typed(...args: readonly string[]): string {
  return ['npx', 'etcd-remediation', ...args.map(quoted)].join(' ');
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The last column is as wide as it is. */
export function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
