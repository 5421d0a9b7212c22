import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { expectedSeconds } from './estimate.ts';

/** Begins with the files that take longest, so that no worker is left with one of them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => expectedSeconds(b.moduleId) - expectedSeconds(a.moduleId));
  }
}
