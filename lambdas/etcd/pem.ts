import * as z from 'zod';

/**
 * A text with a block of PEM in it, on lines of its own. What stands around the blocks is for people, such as what openssl prints of a certificate; TLS
 * passes over it.
 * @see https://datatracker.ietf.org/doc/html/rfc7468#section-2
 */
function withBlock(label: string, example: string): z.ZodString {
  return z
    .string()
    .regex(new RegExp(`^\\uFEFF?-----BEGIN (${label})-----[ \\t]*$[^]+?^-----END \\1-----[ \\t]*$`, 'm'), {
      error: `has no PEM text from "-----BEGIN ${example}-----" to its end, each on a line of its own`,
    });
}

export const pemCertificate = withBlock('(?:X509 |TRUSTED )?CERTIFICATE', 'CERTIFICATE');
export const pemKey = withBlock('(?:[A-Z0-9]+ )*PRIVATE KEY', 'PRIVATE KEY');
