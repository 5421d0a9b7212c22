import { backup } from './backup.ts';
import { coldStart } from './cold-start.ts';
import { leadership } from './leadership.ts';
import type { Part } from './part.ts';
import { recovery } from './recovery.ts';
import { replacement } from './replacement.ts';
import { space } from './space.ts';
import { synth } from './synth.ts';

export const PARTS: readonly Part[] = [coldStart, space, replacement, recovery, leadership, backup, synth];
