import { measureColdStart } from './cold-start.ts';
import { measureRecovery } from './recovery.ts';
import { measureReplacement } from './replacement.ts';
import { measureWriteStall } from './write-stall.ts';

/** Every figure is a ratio of two things measured in turn in this one run: absolute times belong to the machine. */
await measureColdStart();
await measureWriteStall();
await measureReplacement();
await measureRecovery();
