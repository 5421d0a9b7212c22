import { chooseNextMemberInput } from '../../core/contracts/space.ts';
import { chooseNext } from '../../core/decisions/space.ts';
import { etcdStep } from '../step.ts';

/** Reads the whole cluster again and decides the one next thing to do. */
export const handler = etcdStep(chooseNextMemberInput, async (etcd, input) => chooseNext(await etcd.observe(), input));
