import { openScreen } from '../../cli/screen.ts';

// Run by a test in a terminal: shows a live line until it was written three times.
const { print, live } = openScreen(process.stdout);
const { promise: writtenThrice, resolve } = Promise.withResolvers<void>();
// The timer of a live line keeps no process alive.
const alive = setInterval(() => undefined, 1_000);
let times = 0;
print('begins');
const line = live?.(() => {
  times += 1;
  if (times === 3) resolve();
  return `  … ${times}  Restore the snapshot`;
});
if (line) await writtenThrice;
line?.[Symbol.dispose]();
clearInterval(alive);
print('ends');
