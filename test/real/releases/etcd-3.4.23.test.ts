import { remediatesOn } from './release.ts';

remediatesOn('3.4.23');
