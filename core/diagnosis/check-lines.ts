import { inOneLine } from '../text/format.ts';
import type { CheckArea, CheckLine } from './check.ts';

/** Lines of one area: `findings`, or what stands there instead where none is. */
export interface Weighed {
  findings?: CheckLine[];
  well?: CheckLine[];
  unchecked?: CheckLine[];
}

export function line(area: CheckArea, message: string): CheckLine {
  return { area, message: inOneLine(message) };
}

export function namesOf(members: readonly { name: string }[]): string {
  return members.map(({ name }) => name).join(', ');
}
