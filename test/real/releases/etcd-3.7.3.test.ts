import { remediatesOn } from './release.ts';

remediatesOn('3.7.3');
