import { remediatesOn } from './release.ts';

remediatesOn('3.5.35');
