import { it } from 'vitest';
import { reclaimsSpace } from '../scenes/remediations.ts';

it.for(['3.5.16', '3.7.3'])('a store that refuses writes takes them again, on etcd %s', (etcd, test) =>
  reclaimsSpace({ etcd }, test),
);
