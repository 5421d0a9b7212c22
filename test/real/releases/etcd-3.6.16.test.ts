import { remediatesOn } from './release.ts';

remediatesOn('3.6.16');
