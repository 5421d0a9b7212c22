const all = new Set<() => void>();
// One listener for all of them: Node takes the eleventh for a leak, and warns.
process.once('exit', () => {
  for (const run of all) run();
});

/** Does something when this process exits, however it does. @returns takes it back */
export function atExit(run: () => void): () => void {
  all.add(run);
  return () => all.delete(run);
}
