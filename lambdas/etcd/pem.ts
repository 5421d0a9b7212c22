import * as z from 'zod';

/**
 * A text with blocks of PEM in it, on lines of their own. What stands around the blocks is for people, such as what openssl prints of a certificate; TLS
 * passes over it. It passes over a block as well that does not begin on a line of its own, such as a CA that was put behind another without a line end.
 * @see https://datatracker.ietf.org/doc/html/rfc7468#section-2
 */
function withBlocks(label: string, example: string): z.ZodString {
  const begins = new RegExp(`-----BEGIN (?:${label})-----`, 'g');
  const whole = new RegExp(`^\\uFEFF?-----BEGIN (${label})-----[ \\t]*$[^]+?^-----END \\1-----[ \\t]*$`, 'gm');
  const count = (pattern: RegExp, text: string) => text.match(pattern)?.length ?? 0;
  const lines = `from "-----BEGIN ${example}-----" to its end, each on a line of its own`;
  return (
    z
      .string()
      .overwrite((text) => text.replaceAll(/(-----END [^\n-]+-----)[ \t]*(?=-----BEGIN )/g, '$1\n'))
      .regex(whole, { error: `has no PEM text ${lines}` })
      .refine((text) => count(whole, text) === count(begins, text), {
        error: `has a block that TLS would pass over, for it does not stand ${lines}`,
        abort: true,
      })
      // A JSON schema knows no flags of a pattern.
      .meta({ pattern: `-----BEGIN (${label})-----` })
  );
}

export const pemCertificate = withBlocks('(?:X509 |TRUSTED )?CERTIFICATE', 'CERTIFICATE');
export const pemKey = withBlocks('(?:[A-Z0-9]+ )*PRIVATE KEY', 'PRIVATE KEY');
