const all = new Set<() => void>();
// One listener for all of them: Node takes the eleventh for a leak, and warns.
process.once('exit', () => {
  for (const run of all) {
    try {
      run();
    } catch (error) {
      // The others are still to be done.
      process.stderr.write(`At the end of this process: ${error instanceof Error ? error.message : error}\n`);
    }
  }
});

/** Does something when this process exits, however it does, and whatever becomes of the others. @returns takes it back */
export function atExit(run: () => void): () => void {
  all.add(run);
  return () => all.delete(run);
}
