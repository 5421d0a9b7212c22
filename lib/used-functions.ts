/**
 * A script without the functions that nothing in it calls: it has them of the parts that it shares with others. A name counts as a call wherever it
 * stands but in a comment or in a text, for functions are also handed on by their names.
 */
export function withoutUnused(script: string): string {
  const functions = [...script.matchAll(/^(\w+)\(\) \{\n.*?^\}\n/gms)].map(([text, name = '']) => ({ text, name }));
  const rest = functions.reduce((text, each) => text.replace(each.text, () => ''), script);
  const used = new Set<string>();
  const unread = [rest];
  for (let text = unread.pop(); text !== undefined; text = unread.pop()) {
    const words = new Set(commandsOf(text).match(/\w+/g));
    for (const each of functions) {
      if (!words.has(each.name) || used.has(each.name)) continue;
      used.add(each.name);
      unread.push(each.text);
    }
  }
  return functions.reduce((text, each) => (used.has(each.name) ? text : text.replace(each.text, () => '')), script);
}

/**
 * What bash reads of a script as commands and their words: no comments, and of texts in quotes nothing but the commands in them: those of `$(…)`, and
 * those of a trap. @throws Error where a quote is not closed, or this has misread one
 */
export function commandsOf(script: string): string {
  let commands = '';
  /** What is open: `"`, or a bracket in one. */
  const open: string[] = [];
  for (let at = 0; at < script.length; at++) {
    const sign = script[at];
    const inText = open.at(-1) === '"';
    if (sign === '\\') at++;
    else if (sign === '"') {
      if (inText) open.pop();
      else open.push('"');
      commands += ' ';
    } else if (script.startsWith('$(', at)) {
      open.push('(');
      commands += ' ';
      at++;
    } else if (inText) continue;
    else if (sign === "'") {
      const end = script.indexOf("'", at + 1);
      if (end < 0) throw new Error("A script has ' without another one.");
      if (/\btrap $/.test(commands)) commands += script.slice(at + 1, end);
      at = end;
    } else if (sign === '#' && /(^|\s)$/.test(script.slice(Math.max(0, at - 1), at))) {
      at = script.indexOf('\n', at) - 1;
      if (at < 0) break;
    } else {
      if (sign === '(' && open.length > 0) open.push('(');
      if (sign === ')' && open.at(-1) === '(') open.pop();
      commands += sign;
    }
  }
  if (open.length > 0) throw new Error(`A script has ${open.join(' ')} that nothing closes.`);
  return commands;
}
