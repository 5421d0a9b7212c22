/** Where the reports of one deployment lie: below this in its bucket. */
export const REPORTS_PREFIX = 'remediations/';

/** `s3://BUCKET/remediations/` */
export function reportsIn(bucket: string): string {
  return `s3://${bucket}/${REPORTS_PREFIX}`;
}

/** @param folder where reports lie, with the slash that ends it */
export function reportPlaces(folder: string, id: string): { page: string; data: string } {
  return { page: `${folder}${id}.html`, data: `${folder}${id}.json` };
}
