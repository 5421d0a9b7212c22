import { PROBLEMS, type ProblemKind } from '../core/api/problems.ts';
import { ERROR_NAMES, WORKFLOW_ERRORS } from '../core/errors.ts';

/** Where docs/troubleshooting.md explains an error. */
const PAGE = 'docs/troubleshooting.md';
/** `States.Timeout`, `Lambda.Unknown`, `DynamoDB.ThrottlingException` */
const OF_AWS = /^[A-Z]\w+\./;
/** What Step Functions says of an execution that was stopped, or took too long. */
const ENDS = ['Stopped', 'ABORTED', 'TIMED_OUT'];

/** The names of errors that a person can meet: those of steps and workflows, and the refusals of the API. */
export const NAMED_ERRORS: readonly string[] = [
  ...Object.keys(ERROR_NAMES),
  ...Object.keys(WORKFLOW_ERRORS),
  ...Object.keys(PROBLEMS).map((kind) => problemName(kind as ProblemKind)),
  ...ENDS,
];

export function isErrorName(word: string): boolean {
  return NAMED_ERRORS.includes(word) || OF_AWS.test(word);
}

/** `already-in-progress` -> `AlreadyInProgress`, as outcomes are written. */
export function problemName(kind: ProblemKind): string {
  return kind.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `docs/troubleshooting.md#preconditionfailed` */
export function entryOf(name: string): string {
  if (NAMED_ERRORS.includes(name)) return `${PAGE}#${name.toLowerCase()}`;
  return `${PAGE}#${OF_AWS.test(name) ? 'errors-of-aws' : 'any-other-error'}`;
}

/** The same of what was found at each of several clusters. */
export function explainedIn(found: readonly object[]): string[] {
  return explainedAt(found.flatMap((each) => ('error' in each ? [String(each.error)] : [])));
}

/** The last line of a command that has failed: where each of its errors is explained. */
export function explainedAt(names: readonly string[]): string[] {
  const entries = new Set(names.map(entryOf));
  return entries.size === 0 ? [] : [`Explained in ${[...entries].join(', ')}`];
}
