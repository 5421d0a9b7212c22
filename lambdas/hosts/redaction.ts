/** The parts of a presigned URL that give access, wherever a program may have printed them. */
const ACCESS = /(X-Amz-(?:Signature|Credential|Security-Token)=)[A-Za-z0-9%._~+/=-]+/gi;

/** The text without what would let its reader use a presigned URL. */
export function withoutSignatures(text: string): string {
  return text.replace(ACCESS, '$1...');
}
