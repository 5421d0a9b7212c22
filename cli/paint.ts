import { styleText } from 'node:util';
import { isErrorName } from './error-entry.ts';
import { isSuccess } from './remediation-report.ts';
import type { Sink } from './screen.ts';

type Style = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<string, Style>> = { '✓': 'green', '✗': 'red', '!': 'red', '…': 'dim', '-': 'dim' };
/** A log's time and cluster. */
const STAMP = /^(\d{4}-\d\d-\d\dT[\d:]+Z)( \[[^\]]+\])?/;
const MARK = /^( *)([✓✗!…-])(?= )/;
/** `Remediated in 3.2 s.`, `PreconditionFailed: …`, `Passed: …` */
const OUTCOME = /^( *)([A-Za-z][\w.]*)(?=: | in \d)/;

/** Colours the mark or the outcome that a line begins with, if the stream takes colours: NO_COLOR and FORCE_COLOR decide before the terminal does. */
export function paint(line: string, stream: Sink): string {
  const style = (how: Style, text: string) => styleText(how, text, { stream: stream as NodeJS.WriteStream });
  const [stamp = '', time = '', cluster = ''] = STAMP.exec(line) ?? [];
  const rest = line
    .slice(stamp.length)
    .replace(MARK, (_, indent: string, mark: string) => indent + style(STYLES[mark] ?? 'bold', mark))
    .replace(OUTCOME, (all, indent: string, word: string) => {
      const how = styleOfOutcome(word);
      return how ? indent + style(how, word) : all;
    });
  return `${time && style('dim', time)}${cluster && style('cyan', cluster)}${rest}`;
}

function styleOfOutcome(word: string): Style | undefined {
  if (isSuccess(word) || word === 'Passed') return ['green', 'bold'];
  return word === 'FAILED' || isErrorName(word) ? ['red', 'bold'] : undefined;
}
