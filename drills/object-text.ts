import { createHash } from 'node:crypto';

const TEXT_BYTES = 2 ** 22;

let text: Buffer | undefined;

/** Text as of objects that a store holds, of which gzip makes about a quarter: names that repeat, and values that do not. The same in each process. */
function objectText(): Buffer {
  const lines: string[] = [];
  for (let bytes = 0; bytes < TEXT_BYTES; bytes += lines.at(-1)?.length ?? 0) {
    const digits = createHash('sha256').update(String(lines.length)).digest('hex');
    lines.push(
      `{"name":"${digits.slice(0, 12)}","namespace":"default","uid":"${digits.slice(12, 44)}",` +
        `"labels":{"app":"${digits.slice(44, 50)}"},"image":"registry.example.com/team/service:v1"}\n`,
    );
  }
  return Buffer.from(lines.join('').slice(0, TEXT_BYTES));
}

/** A value that begins with its number, and goes on with such a text. */
export function writtenValue(sequence: number, bytes: number): Buffer {
  text ??= objectText();
  const value = Buffer.alloc(bytes);
  let at = value.write(`${sequence} `);
  for (let from = (sequence * bytes) % TEXT_BYTES; at < bytes; from = 0) at += text.copy(value, at, from);
  return value;
}
