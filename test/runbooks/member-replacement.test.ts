import { it } from 'vitest';
import { replacesMember } from '../scenes/remediations.ts';

it.for(['3.5.16', '3.7.3'])(
  'a member whose log is damaged is replaced, and nothing is lost, on etcd %s',
  (etcd, test) => replacesMember({ etcd }, test),
);
