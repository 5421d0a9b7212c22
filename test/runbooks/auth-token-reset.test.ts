import { it } from 'vitest';
import { resetsTokens } from '../scenes/remediations.ts';

it.for(['3.5.16'])(
  'a member that rejects every token takes them again, after a restart and after a toggle, on etcd %s',
  (etcd, test) => resetsTokens({ etcd }, test),
);
