import { it } from 'vitest';
import { recoversQuorum } from '../scenes/remediations.ts';

it.for(['3.5.16'])('members are restored from the one whose data is whole, on etcd %s', (etcd, test) =>
  recoversQuorum({ etcd }, test),
);
