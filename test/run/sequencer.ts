import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { expectedSeconds } from './estimate.ts';

/**
 * Begins with the files that take longest, so that no worker is left with one of them at the end. Those on real etcd come first, the fast ones
 * after them: a process is shared by files of one project.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isReal = ({ project }: TestSpecification) => Number(project.name === 'real');
    return files.toSorted((a, b) => isReal(b) - isReal(a) || expectedSeconds(b.moduleId) - expectedSeconds(a.moduleId));
  }
}
