/**
 * A script without the functions that nothing in it calls: it has them of the parts that it shares with others. A name that stands anywhere but in a
 * comment counts as a call, for functions are also handed on by their names.
 */
export function withoutUnused(script: string): string {
  const functions = [...script.matchAll(/^(\w+)\(\) \{\n.*?^\}\n/gms)].map(([text, name = '']) => ({ text, name }));
  const rest = functions.reduce((text, each) => text.replace(each.text, () => ''), script);
  const used = new Set<string>();
  const unread = [rest];
  for (let text = unread.pop(); text !== undefined; text = unread.pop()) {
    const words = new Set(text.replaceAll(/^\s*#.*$/gm, '').match(/\w+/g));
    for (const each of functions) {
      if (!words.has(each.name) || used.has(each.name)) continue;
      used.add(each.name);
      unread.push(each.text);
    }
  }
  return functions.reduce((text, each) => (used.has(each.name) ? text : text.replace(each.text, () => '')), script);
}
