/** The parts of a presigned URL that give access, wherever a program may have printed them. */
const ACCESS = /(X-Amz-(?:Signature|Credential|Security-Token)=)[A-Za-z0-9%._~+/=-]+/gi;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** The text without what would let its reader use a presigned URL. */
export function withoutSignatures(text: string): string {
  return text.replace(ACCESS, '$1...');
}

/** The text without that, and without private keys. */
export function withoutAccess(text: string): string {
  return withoutSignatures(text).replace(PRIVATE_KEY, '(a private key)');
}
