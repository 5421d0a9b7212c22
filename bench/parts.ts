import { coldStart } from './cold-start.ts';
import type { Part } from './part.ts';
import { recovery } from './recovery.ts';
import { replacement } from './replacement.ts';
import { writeStall } from './write-stall.ts';

export const PARTS: readonly Part[] = [coldStart, writeStall, replacement, recovery];
