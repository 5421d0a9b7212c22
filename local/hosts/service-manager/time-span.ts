const MS_PER_UNIT: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  sec: 1000,
  '': 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads a time span such as `90`, `1min 30s`, `100ms` or `infinity`: https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html
 * @returns milliseconds
 * @throws Error
 */
export function parseTimeSpan(text: string, place: string): number {
  if (text === 'infinity') return Number.POSITIVE_INFINITY;
  const parts = [...text.matchAll(/\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*/gy)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === text;
  const spans = parts.map(([, amount, unit = '']) => Number(amount) * (MS_PER_UNIT[unit] ?? Number.NaN));
  const sumMs = spans.reduce((sum, span) => sum + span, 0);
  if (!isWhole || Number.isNaN(sumMs)) {
    throw new Error(`${place}: "${text}" is not a time span such as "90", "1min 30s", "100ms" or "infinity"`);
  }
  return sumMs;
}
