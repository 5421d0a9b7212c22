import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Where whole runbooks run: minutes a file. */
const LONG = ['/test/workflows/', '/test/cli/drill'];

/** Begins with the files that take longest, so that no worker is left with one of them at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((part) => moduleId.includes(part));
    return (await super.sort(files)).toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)));
  }
}
